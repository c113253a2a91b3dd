internal import Glibc

/// The process's environment.
public enum Environment {
    /// The value of a variable; nil where it is not set or empty, which the tools of this field
    /// take for the same.
    public static func value(_ name: String) -> String? {
        // SAFETY: getenv gives nil or a C string, which is copied at once; nothing here sets variables.
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
