import Testing

/// What libvirt's test driver cannot do: starts that wait or fail, processes and guests that die,
/// migration, and a libvirtd that is killed while its domains run.
///
/// One after the other, for each has a libvirtd or two and machines without KVM.
///
/// Where each thing that libvirt tells of a domain is tried with a real libvirtd:
///
/// | what libvirt tells | tests |
/// | --- | --- |
/// | DEFINED/ADDED, /UPDATED; UNDEFINED/REMOVED, of a run too; METADATA_CHANGE | `RealLibvirtTests` |
/// | DEFINED/RENAMED, UNDEFINED/RENAMED | `LifecycleRowTests`, `RunTests` |
/// | FROM_SNAPSHOT of DEFINED, STARTED, RESUMED, STOPPED | `LifecycleRowTests` |
/// | STARTED/BOOTED, /RESTORED; SUSPENDED; RESUMED; REBOOT | `LifecycleRowTests`, `RunTests` |
/// | STOPPED/SHUTDOWN, /DESTROYED, /SAVED, /CRASHED | `LifecycleRowTests`, `RunTests` |
/// | PMSUSPENDED/MEMORY, STARTED/WAKEUP; SUSPENDED/WATCHDOG | `RunTests` |
/// | SHUTDOWN; STOPPED/FAILED of a process that was killed | `RunTests` |
/// | CRASHED, of a guest that is started anew or kept | `RunTests`, `StartTests` |
/// | CRASHED, of a guest that has a kernel for that | `GuestTests` |
/// | SUSPENDED/IOERROR; PMSUSPENDED/DISK | `GuestTests` |
/// | CONTROL_ERROR of a start that fails; nothing, of one that waits | `StartTests` |
/// | MIGRATED of STARTED, SUSPENDED, RESUMED, STOPPED; STOPPED/FAILED of an arrival | `MigrationTests` |
/// | nothing, as libvirtd is away | `StartTests`, `RealLibvirtTests`, `ConvergenceTests` |
///
/// Of the rest (API_ERROR, and POSTCOPY of SUSPENDED and RESUMED) `DomainSourceTests` has what libvirt
/// answers, and `LifecycleTests` what follows.
@Suite("The daemon with QEMU", .serialized, .timeLimit(.minutes(4)))
enum QEMUTests {}
