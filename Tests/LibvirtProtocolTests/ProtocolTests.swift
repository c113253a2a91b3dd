import LibvirtProtocol
import Testing
import VirtwireProtocol
import XDR

@Suite("Programs and their procedures")
struct ProtocolTests {
    @Test("programs have the numbers that libvirt gave them")
    func programs() {
        #expect(Remote.program == 0x2000_8086)
        #expect(Qemu.program == 0x2000_8087)
        #expect(Lxc.program == 0x0006_8000)
        #expect(Admin.program == 0x0690_0690)
        #expect(Lock.program == 0x0EA7_BEEF)
        #expect(Log.program == 0x8753_9319)
        #expect(Keepalive.program == 0x6B65_6570)
        #expect(Virtwire.program == 0x7677_7264)
        let versions = [
            Remote.version, Qemu.version, Lxc.version, Admin.version, Lock.version, Log.version,
            Keepalive.version, Virtwire.version,
        ]
        #expect(versions.allSatisfy { $0 == 1 })
    }

    @Test("the description of procedure n is at index n - 1")
    func descriptions() {
        let tables = [
            (Remote.procedures, 453), (Qemu.procedures, 7), (Lxc.procedures, 1),
            (Admin.procedures, 20), (Lock.procedures, 8), (Log.procedures, 4),
            (Keepalive.procedures, 2),
        ]
        for (procedures, count) in tables {
            #expect(procedures.count == count)
            #expect(procedures.map(\.number) == (1...Int32(count)).map { $0 })
            #expect(Set(procedures.map(\.name)).count == count)
        }
        #expect(Remote.procedures.filter { $0.kind == .event }.count == 53)
    }

    @Test("a description tells what libvirt's files tell")
    func description() throws {
        let xml = Remote.procedures[Int(Remote.DOMAIN_GET_XML_DESC.number) - 1]
        #expect(xml.name == "DOMAIN_GET_XML_DESC")
        #expect(xml.program == Remote.program)
        #expect(xml.kind == .call)
        #expect(xml.priority == .low)
        #expect(xml.function == "virDomainGetXMLDesc")
        #expect(xml.since == LibvirtVersion(0, 0, 3))
        #expect(xml.isReadOnly == true)
        let rights = try #require(xml.rights)
        #expect(rights.count == 3)
        #expect(rights[0] == AccessRight("domain:read"))
        #expect(rights[1].permission == "read_secure")
        #expect(rights[1].condition == "VIR_DOMAIN_XML_SECURE")
        #expect("\(rights[1])" == "domain:read_secure:VIR_DOMAIN_XML_SECURE")
        let destroy = Remote.procedures[Int(Remote.DOMAIN_DESTROY.number) - 1]
        #expect(destroy.isReadOnly == false)
        #expect(destroy.priority == .high)
        let console = Remote.procedures[Int(Remote.DOMAIN_OPEN_CONSOLE.number) - 1]
        #expect(console.stream == .duplex)
        let upload = Remote.procedures[Int(Remote.STORAGE_VOL_UPLOAD.number) - 1]
        #expect(upload.stream == .write)
        #expect(upload.sparseFlag == "VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM")
        let files = Qemu.procedures[Int(Qemu.DOMAIN_MONITOR_COMMAND_WITH_FILES.number) - 1]
        #expect(files.descriptors == [.send, .receive])
        let list = Remote.procedures[Int(Remote.CONNECT_LIST_ALL_DOMAINS.number) - 1]
        #expect(list.filters == [AccessRight("domain:getattr")])
        #expect(Remote.procedures[Int(Remote.AUTH_LIST.number) - 1].rights == [])
        #expect(Admin.procedures[0].rights == nil)
    }

    @Test("flags have four bytes, and eight in the older procedures of migration")
    func flags() throws {
        let old = remote_domain_migrate_confirm3_args(
            dom: FrameTests.domain, cookie_in: [], flags: 1 << 32, cancelled: 0)
        let new = remote_domain_migrate_confirm3_params_args(
            dom: FrameTests.domain, params: [], cookie_in: [], flags: 1, cancelled: 0)
        let domain = try XDR.byteCount(of: FrameTests.domain)
        #expect(try XDR.encode(old).count == domain + 4 + 8 + 4)
        #expect(try XDR.encode(new).count == domain + 4 + 4 + 4 + 4)
    }

    @Test("versions of libvirt are compared as numbers")
    func versions() {
        #expect(LibvirtVersion(9, 0, 0) < LibvirtVersion(11, 3, 0))
        #expect(LibvirtVersion(number: 11_003_000) == LibvirtVersion(11, 3, 0))
        #expect("\(LibvirtVersion(1, 2, 14))" == "1.2.14")
        #expect(LibvirtVersion("0.10.2") == LibvirtVersion(0, 10, 2))
        #expect(LibvirtVersion("1.2") == nil)
        #expect(LibvirtVersion("1.2.x") == nil)
        #expect(LibvirtVersion("1.2.1000") == nil)
    }

    @Test("values that nobody knows are kept, and told as numbers")
    func unknownValues() throws {
        let bytes: [UInt8] = [0, 0, 0, 99]
        let type = try XDR.decode(virNetMessageType.self, from: bytes)
        #expect(type.rawValue == 99)
        #expect(try XDR.encode(type) == bytes)
        #expect("\(type)" == "virNetMessageType(99)")
        #expect("\(virNetMessageType.VIR_NET_STREAM_HOLE)" == "VIR_NET_STREAM_HOLE")
        #expect(virNetMessageType.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5, 6])
    }

    @Test("a typed parameter of an unknown type is an error that says where")
    func unknownArm() throws {
        var bytes = try XDR.encode(remote_typed_param(field: "x", value: .d(1.5)))
        bytes[11] = 9
        let error = #expect(throws: XDRError.self) {
            try XDR.decode(remote_typed_param.self, from: bytes)
        }
        #expect(error?.code == .invalidDiscriminant)
        #expect(error?.byteOffset == 8)
        #expect(error?.found == 9)
        #expect(error?.subject == "remote_typed_param_value")
    }

    @Test("limits hold in both directions")
    func limits() throws {
        let keys = remote_domain_send_key_args(
            dom: FrameTests.domain, codeset: 0, holdtime: 0,
            keycodes: [UInt32](repeating: 1, count: REMOTE_DOMAIN_SEND_KEY_MAX + 1), flags: 0)
        let error = #expect(throws: XDRError.self) { try XDR.encode(keys) }
        #expect(error?.code == .overLimit)
        #expect(error?.bound == 16)
        var allowed = keys
        allowed.keycodes.removeLast()
        var bytes = try XDR.encode(allowed)
        let offset = try XDR.byteCount(of: allowed.dom) + 8
        bytes[offset + 3] = 17
        let refused = #expect(throws: XDRError.self) {
            try XDR.decode(remote_domain_send_key_args.self, from: bytes)
        }
        #expect(refused?.code == .overLimit)
        #expect(refused?.byteOffset == offset)
    }

    @Test("the API's vocabulary has Swift's kind of names")
    func vocabulary() {
        #expect(virErrorNumber.noDomain.rawValue == 42)
        #expect("\(virErrorNumber.noDomain)" == "VIR_ERR_NO_DOMAIN")
        #expect(virErrorNumber.allCases.count == 114)
        #expect(virErrorDomain.allCases.count == 73)
        #expect(virDomainEventID.metadataChange.rawValue == 23)
        #expect(virDomainEventID.allCases.count == 28)
        #expect(virDomainShutdownFlagValues.guestAgent.rawValue == 2)
        #expect(virDomainModificationImpact([.live, .config]).rawValue == 3)
        #expect(virDomainUndefineFlagsValues.managedSave.rawValue == 1)
        #expect(virConnectCloseReason.keepalive.rawValue == 2)
    }
}
