// Gives a thread descriptors of its own, for tests in which they run out.
#ifndef OWN_DESCRIPTORS_H
#define OWN_DESCRIPTORS_H

/// The calling thread, and those that it starts, have descriptors of their own from now on: copies of those
/// that are open. 0 when it is so. Source: unshare(2), CLONE_FILES.
int own_descriptors(void);

#endif
