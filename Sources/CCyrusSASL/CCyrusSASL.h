// Cyrus SASL, for builds with the package trait CyrusSASL alone; Debian's libsasl2-dev has the header.
#include <sasl/sasl.h>
