import XDR

/// What every generated type can do.
typealias WireType = XDREncodable & XDRDecodable & Equatable & Sendable
