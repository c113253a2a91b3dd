import Foundation
import Testing

@testable import ProtocolGenerator

@Suite("Importing")
struct ImporterTests {
    private let xml = """
        <?xml version="1.0"?>
        <api name="libvirt"><symbols>
        <function name="virThingGetXMLDesc" file="libvirt-thing" version="1.2.3">
          <info>Prose that is not kept</info></function>
        <function name="virThingQemuPoke" file="libvirt-qemu" version="2.0.0"/>
        <enum name="VIR_THING_B" file="libvirt-thing" value="2" type="virThing" version="1.0.0"/>
        <enum name="VIR_THING_A" file="libvirt-thing" value="VIR_OTHER_X" type="virThing"/>
        <enum name="VIR_THING_LAST" file="libvirt-thing" value="3" type="virThing"/>
        <enum name="VIR_THING_NOT_LAST" file="libvirt-thing" value="1" type="virThing"/>
        <enum name="VIR_STAT_LAST" file="libvirt-thing" value="VIR_STAT_NR" type="virStat"/>
        <enum name="VIR_STAT_A" file="libvirt-thing" value="0" type="virStat"/>
        <enum name="VIR_OTHER_X" file="libvirt-other" value="0" type="virOther"
          value_bitshift="0"/>
        </symbols></api>
        """

    @Test("enumerations come by value, without their sentinels, references resolved")
    func enumerations() throws {
        let api = try APIDescription.parse(Data(xml.utf8), file: "api.xml")
        let enumerations = api.enumerations()
        #expect(enumerations.map(\.name) == ["virOther", "virStat", "virThing"])
        #expect(enumerations.map(\.isFlags) == [true, false, false])
        #expect(
            enumerations[2].members == [
                .init(name: "VIR_THING_A", value: 0, since: nil),
                .init(name: "VIR_THING_NOT_LAST", value: 1, since: nil),
                .init(name: "VIR_THING_B", value: 2, since: "1.0.0"),
            ])
        #expect(enumerations[1].members.map(\.name) == ["VIR_STAT_A"])
        #expect(throws: ImportError.self) {
            try APIDescription.parse(Data("<api></symbols>".utf8), file: "api.xml")
        }
    }

    @Test("who may call is found in libvirt's own checks, or by the rights")
    func readOnly() {
        let source = """
            int
            virThingDestroy(virThingPtr thing)
            {
                virCheckReadOnlyGoto(thing->conn->flags, error);
            }
            char *
            virThingGetXMLDesc(virThingPtr thing, unsigned int flags)
            {
                if (flags & SECURE)
                    virCheckReadOnlyGoto(thing->conn->flags, error);
            }
            """
        let permissions = """
            /**
             * @desc: Read thing
             * @anonymous: 1
             */
            VIR_ACCESS_PERM_THING_READ,
            /**
             * @desc: Write thing
             */
            VIR_ACCESS_PERM_THING_WRITE,
            """.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n")
        let rules = ReadOnlyRules(sources: [source], permissions: permissions)
        #expect(rules.isReadOnly(function: "virThingDestroy", acl: []) == false)
        #expect(rules.isReadOnly(function: "virThingGetXMLDesc", acl: nil) == true)
        #expect(rules.isReadOnly(function: nil, acl: ["thing:read"]) == true)
        #expect(rules.isReadOnly(function: nil, acl: ["thing:read", "thing:write:FLAG"]) == true)
        #expect(rules.isReadOnly(function: nil, acl: ["thing:write"]) == false)
        #expect(rules.isReadOnly(function: nil, acl: nil) == nil)
    }

    @Test("a description and the API's facts make a model")
    func model() throws {
        let text = """
            const QEMU_PROGRAM = 0x20008087;
            const QEMU_PROTOCOL_VERSION = 1;
            const QEMU_MAX = 3;
            struct qemu_thing_get_xml_desc_args { int flags; };
            struct qemu_thing_get_xml_desc_ret { string xml<QEMU_MAX>; };
            struct qemu_thing_event_poke_msg { int id; };
            enum qemu_procedure {
                /**
                 * @generate: both
                 * @priority: high
                 * @acl: thing:read
                 */
                QEMU_PROC_THING_GET_XML_DESC = 1,
                /** @acl: none */
                QEMU_PROC_THING_EVENT_POKE = 2
            };
            """
        let api = try APIDescription.parse(Data(xml.utf8), file: "api.xml")
        let importer = ProtocolImporter(
            api: api, rules: ReadOnlyRules(sources: [], permissions: ""))
        let source = try #require(ProtocolSource.all.first { $0.name == "qemu" })
        let model = try importer.model(
            of: source, text: text,
            package: .init(package: "libvirt", version: "1", file: ""))
        #expect(model.program == .init(number: 0x2000_8087, version: 1))
        #expect(model.constants == [.init(name: "QEMU_MAX", value: "3")])
        #expect(model.structures.count == 3)
        #expect(model.enumerations.isEmpty)
        let call = model.procedures[0]
        #expect(call.name == "THING_GET_XML_DESC")
        #expect(call.kind == .call)
        #expect(call.arguments == "qemu_thing_get_xml_desc_args")
        #expect(call.result == "qemu_thing_get_xml_desc_ret")
        #expect(call.priority == .high)
        #expect(call.acl == ["thing:read"])
        #expect(call.isReadOnly == false)
        #expect(call.function == "virThingGetXMLDesc")
        #expect(call.header == "libvirt-thing")
        #expect(call.since == "1.2.3")
        let event = model.procedures[1]
        #expect(event.kind == .event)
        #expect(event.arguments == "qemu_thing_event_poke_msg")
        #expect(event.acl == [])
        #expect(event.function == nil)
        #expect(try model.definitions().count == 4)
    }

    @Test("a description without its program is refused")
    func missing() throws {
        let importer = ProtocolImporter(
            api: APIDescription(), rules: ReadOnlyRules(sources: [], permissions: ""))
        let source = try #require(ProtocolSource.all.first { $0.name == "lxc" })
        let error = #expect(throws: LanguageError.self) {
            try importer.model(
                of: source, text: "const A = 1;",
                package: .init(package: "libvirt", version: "1", file: ""))
        }
        #expect(error?.message == "the constant LXC_PROGRAM is not defined")
    }

    @Test("the mirror is the one that apt uses for Debian")
    func mirror() {
        let targets = """
            Google https://packages.example.com/apt main
            Debian http://mirror.example.org/debian-security/ main
            Debian http://mirror.example.org/debian/ contrib
            Debian http://mirror.example.org/debian/ main
            """
        #expect(
            Mirror.base(inIndexTargets: targets)?.absoluteString
                == "http://mirror.example.org/debian/")
        #expect(Mirror.base(inIndexTargets: "") == nil)
        let sources = "Types: deb\nURIs: http://mirror.example.org/debian\nSuites: bookworm\n"
        #expect(
            Mirror.base(inSources: sources)?.absoluteString == "http://mirror.example.org/debian/")
        let line = "# a remark\ndeb [arch=amd64] http://mirror.example.org/debian bookworm main\n"
        #expect(
            Mirror.base(inSources: line)?.absoluteString == "http://mirror.example.org/debian/")
        #expect(Mirror.base(inSources: "deb https://packages.example.com/apt x main") == nil)
    }

    @Test("a package is found in an index by its own paragraph")
    func index() throws {
        let index = """
            Package: libvirt-dev-extra
            Version: 1
            Filename: pool/wrong.deb
            SHA256: 00

            Package: libvirt-dev
            Version: 11.3.0-3
            Filename: pool/libvirt-dev.deb
            SHA256: 4e
            """
        let package = try #require(Fetcher.package("libvirt-dev", in: index))
        #expect(package.version == "11.3.0-3")
        #expect(package.path == "pool/libvirt-dev.deb")
        #expect(package.checksum == "4e")
        #expect(Fetcher.package("libvirt", in: index) == nil)
    }
}
