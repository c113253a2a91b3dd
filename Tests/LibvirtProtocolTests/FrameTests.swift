import LibvirtProtocol
import Testing
import XDR

@Suite("Frames of a real libvirtd")
struct FrameTests {
    static let uuid = XDRFixedOpaque<16>(
        [
            0x66, 0x95, 0xEB, 0x01, 0xF6, 0xA4, 0x83, 0x04, 0x79, 0xAA, 0x97, 0xF2, 0x50, 0x2E,
            0x19, 0x3F,
        ])

    static let domain = remote_nonnull_domain(
        name: "test", uuid: uuid ?? remote_uuid(), id: 1)

    @Test("the authentication that is asked for")
    func authList() throws {
        let frame = try Frame(
            """
            00000024  // length
            20008086  // program remote
            00000001  // version
            00000042  // procedure AUTH_LIST
            00000001  // type REPLY
            00000001  // serial
            00000000  // status OK
            00000001  // one type
            00000000  // REMOTE_AUTH_NONE
            """)
        #expect(frame.header.prog == Remote.program)
        #expect(frame.header.vers == Remote.version)
        #expect(frame.header.proc == Remote.AUTH_LIST.number)
        #expect(frame.header.type == .VIR_NET_REPLY)
        #expect(frame.header.serial == 1)
        #expect(frame.header.status == .VIR_NET_OK)
        #expect(try frame.value(remote_auth_list_ret.self).types == [.REMOTE_AUTH_NONE])
    }

    @Test("the host: 32 characters of four bytes each")
    func nodeInfo() throws {
        let frame = try Frame(
            """
            000000bc 20008086 00000001 00000006 00000001 00000003 00000000  // NODE_GET_INFO
            00000069 00000036 00000038 00000036 00000000 00000000 00000000 00000000  // "i686"
            00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
            00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
            00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
            00000000 00300000  // memory, KiB
            00000010  // cpus
            00000578  // mhz
            00000002  // nodes
            00000002  // sockets
            00000002  // cores
            00000002  // threads
            """)
        #expect(frame.payload.count == 160)
        let info = try frame.value(remote_node_get_info_ret.self)
        #expect(info.model.count == 32)
        #expect(String(decoding: info.model.prefix { $0 != 0 }, as: UTF8.self) == "i686")
        #expect(info.memory == 3_145_728)
        #expect(info.cpus == 16)
        #expect(info.mhz == 1400)
        #expect(info.threads == 2)
    }

    @Test("a domain that was looked up, and the list of all")
    func domains() throws {
        let found = try Frame(
            """
            00000038 20008086 00000001 00000017 00000001 00000004 00000000  // LOOKUP_BY_NAME
            00000004 74657374  // "test"
            6695eb01 f6a48304 79aa97f2 502e193f  // uuid
            00000001  // id
            """)
        let value = try found.value(remote_domain_lookup_by_name_ret.self)
        #expect(value.dom == Self.domain)
        let list = try Frame(
            """
            00000040 20008086 00000001 00000111 00000001 0000000c 00000000  // LIST_ALL_DOMAINS
            00000001  // one domain
            00000004 74657374 6695eb01 f6a48304 79aa97f2 502e193f 00000001
            00000001  // ret
            """)
        let domains = try list.value(remote_connect_list_all_domains_ret.self)
        #expect(domains == .init(domains: [Self.domain], ret: 1))
    }

    @Test("numbers narrower than their four bytes, and typed parameters")
    func narrowAndTyped() throws {
        let info = try Frame(
            """
            0000003c 20008086 00000001 00000010 00000001 0000000a 00000000  // DOMAIN_GET_INFO
            00000003  // state, unsigned char
            00000000 00800000  // maxMem
            00000000 00200000  // memory
            00000002  // nrVirtCpu, unsigned short
            18e9f1d3 b0dd7430  // cpuTime
            """)
        let state = try info.value(remote_domain_get_info_ret.self)
        #expect(virDomainState(rawValue: Int32(state.state)) == .paused)
        #expect(state.maxMem == 8_388_608)
        #expect(state.nrVirtCpu == 2)
        let scheduler = try Frame(
            """
            00000034 20008086 00000001 00000039 00000001 0000000b 00000000  // GET_SCHEDULER_P…
            00000001  // one parameter
            00000006 77656967 68740000  // "weight"
            00000002 00000032  // UINT 50
            """)
        let parameters = try scheduler.value(remote_domain_get_scheduler_parameters_ret.self)
        #expect(parameters.params == [.init(field: "weight", value: .ui(50))])
    }

    @Test("an event, which comes with serial 1")
    func event() throws {
        let frame = try Frame(
            """
            00000044 20008086 00000001 0000013e 00000002 00000001 00000000  // CALLBACK_LIFECYCLE
            00000000  // callbackID
            00000004 74657374 6695eb01 f6a48304 79aa97f2 502e193f 00000001  // dom
            00000003  // event
            00000000  // detail
            """)
        #expect(frame.header.type == .VIR_NET_MESSAGE)
        #expect(frame.header.proc == Remote.DOMAIN_EVENT_CALLBACK_LIFECYCLE.number)
        let event = try frame.value(remote_domain_event_callback_lifecycle_msg.self)
        #expect(event.callbackID == 0)
        #expect(event.msg.dom == Self.domain)
        #expect(virDomainEventType(rawValue: event.msg.event) == .suspended)
        #expect(virDomainEventSuspendedDetailType(rawValue: event.msg.detail) == .paused)
    }

    @Test("an error, with the format and the argument of its message")
    func error() throws {
        let frame = try Frame(
            """
            00000088 20008086 00000001 0000270f 00000001 00000007 00000001  // no such procedure
            00000027  // code RPC
            00000007  // domain RPC
            00000001 00000017 756e6b6e 6f776e20 70726f63 65647572 653a2039 39393900  // message
            00000002  // level ERROR
            00000000  // no domain
            00000001 00000002 25730000  // str1: "%s"
            00000001 00000017 756e6b6e 6f776e20 70726f63 65647572 653a2039 39393900  // str2
            00000000  // no str3
            ffffffff ffffffff  // int1, int2
            00000000  // no network
            """)
        #expect(frame.header.status == .VIR_NET_ERROR)
        let error = try frame.value(virNetMessageError.self)
        #expect(virErrorNumber(rawValue: error.code) == .rpc)
        #expect(virErrorDomain(rawValue: error.domain) == .rpc)
        #expect(virErrorLevel(rawValue: error.level) == .error)
        #expect(error.message == "unknown procedure: 9999")
        #expect(error.str1 == "%s")
        #expect(error.str2 == "unknown procedure: 9999")
        #expect(error.str3 == nil)
        #expect(error.int1 == -1)
        #expect(error.dom == nil)
        #expect(error.net == nil)
    }
}
