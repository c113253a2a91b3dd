internal import Glibc

/// The time of day, which may jump: for dates in certificates, and never for how long to wait.
public enum SystemClock {
    /// Seconds since 1970 in UTC.
    public static var secondsSince1970: Int { time(nil) }
}
