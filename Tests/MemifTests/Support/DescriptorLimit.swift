import Glibc

/// Lets this process have fewer descriptors: for processes that are a test's own.
func limitDescriptors(to count: UInt) {
    var limit = rlimit()
    // SAFETY: the calls read and write the structure, which outlives them.
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = count
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
