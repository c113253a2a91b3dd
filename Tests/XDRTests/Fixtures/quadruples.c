/* Prints doubles as quadruples, by the compiler's conversion to 128-bit floating point. */
#include <math.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const double values[] = {
        0.0, -0.0, 1.0, -1.5, 3.141592653589793, 1e300, -1e-300, 5e-324, 2.2250738585072009e-308,
        2.2250738585072014e-308, 1.7976931348623157e308, INFINITY, -INFINITY,
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        __float128 quadruple = values[i];
        unsigned char bytes[16];
        memcpy(bytes, &quadruple, 16);
        printf("quadruple | %a |", values[i]);
        for (int j = 15; j >= 0; j--) printf(j % 4 == 3 ? " %02x" : "%02x", bytes[j]);
        printf("\n");
    }
    return 0;
}
