import LinuxIO
import Testing

@testable import MemifController

@Suite("Settings of a running daemon", .serialized, .timeLimit(.minutes(4)))
struct ReloadTests {
    @Test("a bad fragment keeps what all files said before, and says which file and key it is")
    func badFragment() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let directory = "\(libvirtd.scratch.path)/conf.d"
        try Directory.ensure(directory, mode: 0o755)
        let file = "\(libvirtd.scratch.path)/d.yaml"
        func write(_ path: String, _ text: String) throws {
            try File.replace(path, with: Array(text.utf8))
        }
        try write(file, "log-level: info")
        try write(
            "\(directory)/10-vnfs.yaml",
            "ports: {selectors: [vnfs], vnfs: {domains: [vnf-*], declare: [lan0]}}")
        let daemon = try await DaemonProcess(in: libvirtd.scratch, ["--config", file])
        _ = try await libvirtd.define("", name: "vnf-1")
        _ = try await libvirtd.define("", vm: Sample.vm(2), name: "db")
        #expect(await eventually { daemon.stands(["lan0"]) })

        try write("\(directory)/10-vnfs.yaml", "ports: {selectors: [vnfs], vnfs: {}}")
        try write("\(directory)/20-more.yaml", "group: x\nlog-levle: debug")
        daemon.process.signal(1)
        #expect(
            await eventually {
                daemon.process.output.contains("20-more.yaml: log-levle is no setting")
            })
        #expect(daemon.process.output.contains("those from before hold"))
        #expect(daemon.stands(["lan0"]))

        try write(
            "\(directory)/10-vnfs.yaml",
            "ports: {selectors: [vnfs], vnfs: {domains: [vnf-*], declare: [lan0, 'lan1 id=1']}}")
        try write(
            "\(directory)/20-more.yaml",
            "ports: {selectors: [rest], rest: {domains: ['*'], declare: [mgmt]}}")
        daemon.process.signal(1)
        #expect(await eventually { daemon.stands(["lan0", "lan1", "mgmt"]) })
        #expect(await eventually { daemon.stands(["mgmt"], vm: Sample.vm(2)) })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }
}
