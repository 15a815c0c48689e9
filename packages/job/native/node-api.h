/* The part of Node-API that is used here, declared so that nothing of Node is needed to compile. All of it is in version 1 of
 * Node-API, and its ABI is promised for every later Node: https://nodejs.org/api/n-api.html */
#ifndef NODE_API_H
#define NODE_API_H

#include <stdbool.h>
#include <stddef.h>

typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef napi_value (*napi_callback)(napi_env env, napi_callback_info info);

/* There are more of both. */
typedef enum { napi_ok = 0 } napi_status;
typedef enum { napi_uint8_array = 1 } napi_typedarray_type;

napi_status napi_get_cb_info(napi_env env, napi_callback_info info, size_t *argc, napi_value *argv,
	napi_value *this_arg, void **data);
napi_status napi_get_typedarray_info(napi_env env, napi_value value, napi_typedarray_type *type, size_t *length,
	void **data, napi_value *arraybuffer, size_t *byte_offset);
napi_status napi_create_buffer_copy(napi_env env, size_t length, const void *data, void **result_data,
	napi_value *result);
napi_status napi_create_function(napi_env env, const char *name, size_t length, napi_callback callback, void *data,
	napi_value *result);
napi_status napi_create_string_utf8(napi_env env, const char *text, size_t length, napi_value *result);
napi_status napi_get_boolean(napi_env env, bool value, napi_value *result);
napi_status napi_set_named_property(napi_env env, napi_value object, const char *name, napi_value value);
napi_status napi_throw_range_error(napi_env env, const char *code, const char *message);

/* Node looks for it by its name and calls it in each of its threads that loads the file. */
__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports);

#endif
