import Testing

@testable import ProtocolGenerator

@Suite("Names of methods")
struct MethodNameTests {
    @Test(
        "a function's name loses what its receiver says",
        arguments: [
            ("virDomainGetMaxMemory", "domain", "maxMemory"),
            ("virDomainSetMemoryFlags", "domain", "setMemory"),
            ("virDomainFSTrim", "domain", "fsTrim"),
            ("virDomainPMWakeup", "domain", "pmWakeup"),
            ("virDomainSnapshotCreateXML", "domain", "createSnapshot"),
            ("virDomainSnapshotGetXMLDesc", "domain_snapshot", "xml"),
            ("virDomainManagedSaveGetXMLDesc", "domain", "managedSaveXML"),
            ("virDomainBlockStatsFlags", "domain", "blockStatsFlags"),
            ("virStorageVolLookupByName", "storage_pool", "lookUpStorageVolume"),
            ("virNetworkPortLookupByUUID", "network", "lookUpPort"),
        ])
    func methods(function: String, wire: String, name: String) {
        let kind = ObjectKind.all.first { $0.wire == wire }
        #expect(MethodName.of(function, on: kind) == name)
    }

    @Test(
        "a connection's methods say what they find or make",
        arguments: [
            ("virNetworkLookupByName", "lookUpNetwork"), ("virNetworkDefineXML", "defineNetwork"),
            ("virConnectListAllNetworks", "listAllNetworks"),
            ("virNodeGetFreeMemory", "nodeFreeMemory"), ("virConnectGetSysinfo", "sysinfo"),
            ("virSecretDefineXML", "defineSecret"),
        ])
    func ofConnection(function: String, name: String) {
        #expect(MethodName.of(function, on: nil) == name)
    }

    @Test("fields are written as Swift writes names")
    func fields() {
        #expect(MethodName.ofField("xml_desc") == "xmlDesc")
        #expect(MethodName.ofField("startCell") == "startCell")
        #expect(MethodName.ofField("iothread_id") == "iothreadId")
    }
}
