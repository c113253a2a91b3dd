import LibvirtProtocol
import XDR

@testable import Libvirt

// Values of the wire's types, for results.

extension XDRString: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(rig.next() as String) }
}

extension remote_uuid: MadeUp {
    init(madeUpFor rig: MethodRig) {
        self = remote_uuid((0..<16).map { _ in rig.number() }) ?? remote_uuid()
    }
}

extension remote_typed_param: MadeUp {
    init(madeUpFor rig: MethodRig) {
        self.init(field: rig.next(), value: .s(rig.next()))
    }
}

extension remote_nonnull_domain: MadeUp {
    init(madeUpFor rig: MethodRig) {
        self.init(name: rig.next(), uuid: rig.next(), id: rig.next())
    }
}

extension remote_nonnull_domain_snapshot: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next(), dom: rig.next()) }
}

extension remote_nonnull_domain_checkpoint: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next(), dom: rig.next()) }
}

extension remote_nonnull_network: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next(), uuid: rig.next()) }
}

extension remote_nonnull_network_port: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(net: rig.next(), uuid: rig.next()) }
}

extension remote_nonnull_interface: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next(), mac: rig.next()) }
}

extension remote_nonnull_storage_pool: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next(), uuid: rig.next()) }
}

extension remote_nonnull_storage_vol: MadeUp {
    init(madeUpFor rig: MethodRig) {
        self.init(pool: rig.next(), name: rig.next(), key: rig.next())
    }
}

extension remote_nonnull_node_device: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next()) }
}

extension remote_nonnull_secret: MadeUp {
    init(madeUpFor rig: MethodRig) {
        self.init(uuid: rig.next(), usageType: rig.next(), usageID: rig.next())
    }
}

extension remote_nonnull_nwfilter: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(name: rig.next(), uuid: rig.next()) }
}

extension remote_nonnull_nwfilter_binding: MadeUp {
    init(madeUpFor rig: MethodRig) { self.init(portdev: rig.next(), filtername: rig.next()) }
}

extension TypedParameters {
    /// As they go to a daemon, whatever their names.
    var xdr: [remote_typed_param] {
        map { remote_typed_param(field: XDRString($0.name), value: $0.value.raw) }
    }
}
