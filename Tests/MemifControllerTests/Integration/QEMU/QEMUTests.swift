import Testing

/// What libvirt's test driver cannot do: starts that wait or fail, processes and guests that die,
/// migration, and a libvirtd that is killed while its domains run.
///
/// One after the other, for each has a libvirtd or two and machines without KVM.
@Suite("The daemon with QEMU", .serialized, .timeLimit(.minutes(4)))
enum QEMUTests {}
