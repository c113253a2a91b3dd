extension TestLibvirtd {
    /// A URI that leads to its administration.
    public var adminURI: String {
        "libvirtd:///system?socket=\(adminSocketPath)"
    }

    var adminSocketPath: String { "\(directory)/run/libvirt-admin-sock" }
}
