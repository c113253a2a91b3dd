// Public imports: a conformance of one public type to another is public itself.
public import ArgumentParser
public import Memif

extension MemifRole: ExpressibleByArgument {}
