// Sends zeros into a volume, or receives and forgets what is in one.
#include "bench.h"

#include <string.h>

static const unsigned long long MiB = 1 << 20;
// What the C client puts into one packet at most.
static char piece[262120];

static void wait_for_the_end(virStreamPtr stream) {
    if (virStreamFinish(stream) < 0) fail("finish");
    virStreamFree(stream);
}

static void upload(virConnectPtr connection, virStorageVolPtr volume, unsigned long long length) {
    virStreamPtr stream = virStreamNew(connection, 0);
    if (virStorageVolUpload(volume, stream, 0, length, 0) < 0) fail("upload");
    while (length > 0) {
        int sent = virStreamSend(stream, piece, length < sizeof piece ? length : sizeof piece);
        if (sent < 0) fail("send");
        length -= sent;
    }
    wait_for_the_end(stream);
}

static void download(virConnectPtr connection, virStorageVolPtr volume) {
    virStreamPtr stream = virStreamNew(connection, 0);
    if (virStorageVolDownload(volume, stream, 0, 0, 0) < 0) fail("download");
    int received;
    while ((received = virStreamRecv(stream, piece, sizeof piece)) > 0)
        ;
    if (received < 0) fail("receive");
    wait_for_the_end(stream);
}

struct run move_volume(virConnectPtr connection, const char *measure, const char *path) {
    virStorageVolPtr volume = virStorageVolLookupByPath(connection, path);
    virStorageVolInfo info;
    if (!volume || virStorageVolGetInfo(volume, &info) < 0) fail("look up the volume");
    double started = now(), spent = cpu_seconds();
    if (!strcmp(measure, "upload"))
        upload(connection, volume, info.capacity);
    else
        download(connection, volume);
    struct run run = {info.capacity / MiB, now() - started, cpu_seconds() - spent};
    virStorageVolFree(volume);
    return run;
}
