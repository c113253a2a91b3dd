internal import Glibc

/// The time of day, which may jump: for dates in certificates, and never for how long to wait.
public enum SystemClock {
    /// Seconds since 1970 in UTC.
    public static var secondsSince1970: Int { time(nil) }

    /// A moment on the calendar and the clock of UTC.
    ///
    /// Source: gmtime_r(3).
    package struct UTC: Hashable, Sendable {
        /// The year, as it is written.
        package let year: Int
        /// From 1 on, as the day is.
        package let month: Int
        package let day: Int
        package let hour: Int
        package let minute: Int
        package let second: Int

        /// The moment so many seconds after the beginning of 1970. Years beyond those that the system knows are no
        /// moment: what is given then is its year 0.
        package init(secondsSince1970: Int) {
            var time = secondsSince1970
            var parts = unsafe tm()
            // SAFETY: both are read and written during the call only.
            unsafe gmtime_r(&time, &parts)
            year = Int(unsafe parts.tm_year) + 1900
            month = Int(unsafe parts.tm_mon) + 1
            day = Int(unsafe parts.tm_mday)
            hour = Int(unsafe parts.tm_hour)
            minute = Int(unsafe parts.tm_min)
            second = Int(unsafe parts.tm_sec)
        }
    }
}
