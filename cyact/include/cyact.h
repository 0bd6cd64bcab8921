/* cyact for compiled callers: each function of single elements for each dtype, with no Python object and without the GIL.
 *
 *     int cyact_sigmoid_f32(const float *features, float *out, Py_ssize_t n);
 *     int cyact_leaky_relu_f32(const float *features, float *out, Py_ssize_t n, double alpha);
 *     int cyact_leaky_relu_grad_f32(const float *gradients, const float *features, float *out, Py_ssize_t n, double alpha);
 *
 * Arrays of n elements, the output last; then n, then the function's parameters, which are rounded once to the dtype of
 * the computation. Names of dtypes: i8 to i64, u8 to u64, f16, bf16 (their bits, as uint16_t), f32, f64. The result is
 * that of the Python function, bit for bit, and large arrays are split among as many threads. It is 0; or -1, with nothing
 * written, where n is negative or beyond any array, an array is not aligned to its elements, or the output overlaps an
 * input without being the same array. Like those of <math.h>, they may raise the floating-point flags, which the Python
 * functions put back.
 *
 * Call import_cyact() once, with the GIL, before any of them: in the module's init function, say. It returns -1 with an
 * ImportError set where the installed cyact does not have what this header declares. Each file that includes this header
 * has pointers of its own, and needs its own call.
 */
#ifndef CYACT_H
#define CYACT_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

/* Raised when functions are called otherwise than before. That there are more of them does not raise it. */
#define CYACT_C_API_VERSION 1

/* What the capsule ``cyact.c_api.table`` holds. */
typedef struct {
    const char *name;           /* "sigmoid_f32" */
    void (*function)(void);     /* cast to its own type before it is called */
} cyact_entry;

typedef struct {
    int version;
    int count;
    const cyact_entry *entries;
} cyact_table;

#define CYACT_FUNCTION(name, arguments, arrays, parameters) static int (*cyact_##name) arguments;
#include "cyact_functions.h"
#undef CYACT_FUNCTION

static inline int import_cyact(void) {
    static const struct { const char *name; void *pointer; } wanted[] = {
#define CYACT_FUNCTION(name, arguments, arrays, parameters) {#name, (void *)&cyact_##name},
#include "cyact_functions.h"
#undef CYACT_FUNCTION
    };
    const int count = (int)(sizeof(wanted) / sizeof(wanted[0]));
    const cyact_table *table;
    PyObject *module, *capsule;
    int i, k, at = 0;
    if (!(module = PyImport_ImportModule("cyact.c_api"))) return -1;
    capsule = PyObject_GetAttrString(module, "table");
    Py_DECREF(module);
    if (!capsule) return -1;
    table = (const cyact_table *)PyCapsule_GetPointer(capsule, "cyact.c_api.table");
    Py_DECREF(capsule);
    if (!table) return -1;
    if (table->version != CYACT_C_API_VERSION) {
        PyErr_Format(PyExc_ImportError, "compiled for version %d of cyact's C API, but the installed cyact has version %d",
                     CYACT_C_API_VERSION, table->version);
        return -1;
    }
    for (i = 0; i < count; i++) {
        /* As a rule the next function is the next entry. */
        for (k = 0; k < table->count && strcmp(table->entries[at].name, wanted[i].name); k++) at = (at + 1) % table->count;
        if (k == table->count) {
            PyErr_Format(PyExc_ImportError, "the installed cyact has no C function %s: it is older than the one compiled for",
                         wanted[i].name);
            return -1;
        }
        memcpy(wanted[i].pointer, &table->entries[at].function, sizeof(table->entries[at].function));
    }
    return 0;
}

#endif
