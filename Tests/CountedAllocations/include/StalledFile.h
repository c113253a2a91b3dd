// Makes a file whose server says nothing, for tests of those who are passed one.
#ifndef STALLED_FILE_H
#define STALLED_FILE_H

/// Opens a file on a FUSE file system of its own, in a mount namespace that nobody else sees.
///
/// Whoever closes a descriptor of it, or asks for its size, waits for its server, which says nothing: not
/// even a signal ends that. What does is the end of the server, a process of its own: as soon as `*server` is
/// closed, and two minutes after its start whatever happens. So `*server` is to be closed before the file,
/// and no program to be started in between, whose copy of the file would be closed first.
///
/// -1, with the reason in errno, where there is no FUSE, or none may be mounted. Source: fuse(4).
int stalled_file(int *server);

#endif
