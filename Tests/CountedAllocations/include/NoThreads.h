// Leaves a process without room for another thread, for tests in which it runs out.
#ifndef NO_THREADS_H
#define NO_THREADS_H

/// From now on pthread_create fails with EAGAIN, whoever calls it. 0 when it is so.
int refuse_threads(void);

/// It works again.
int allow_threads(void);

#endif
