/* Signature check: asks the libsecp256k1 of this system whether a signature is right. An addon of Node, that
 * src/trust/system-libsecp256k1.ts loads. It looks for the library when it is loaded, and exports, where it has found one,
 *
 *   soname                             the name of the library, "libsecp256k1.so.1"
 *   parse(key33)                       64 bytes that mean something to the library alone, or undefined: no point of the curve
 *   verify(digest32, signature64, point64)
 *                                      true or false; the point is what parse gave
 *
 * and else nothing. Whatever is not a Uint8Array of just that length is thrown back as a RangeError.
 *
 * The library ends the process, by abort(), when a caller breaks a rule of its header: a null pointer, unknown flags, or a
 * point whose x is zero, which it takes for one that was never parsed. None of them gets through here. */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "node-api.h"

enum { digest_length = 32, key_length = 33, point_length = 64, signature_length = 64 };

/* As in secp256k1.h, where these four functions are the same since before the first release. What made the library take a
 * new soname is in its CHANGELOG.md, under "ABI Compatibility": the static context, and removed aliases of other functions.
 * so.0 is what distributions made of the sources before there were releases. It needs the flag to verify; the others
 * take it for none. */
static const unsigned int context_for_verification = 1 << 0 | 1 << 8;
typedef struct secp256k1_context secp256k1_context;
struct point { unsigned char bytes[point_length]; };
struct signature { unsigned char bytes[signature_length]; };

static const char *const sonames[] = {
	"libsecp256k1.so.6", "libsecp256k1.so.5", "libsecp256k1.so.2", "libsecp256k1.so.1", "libsecp256k1.so.0",
};

/* Found once for all threads of the process; a context that only verifies may be used by several at the same time. */
static struct library {
	const char *soname;
	const secp256k1_context *context;
	secp256k1_context *(*create)(unsigned int flags);
	int (*parse_key)(const secp256k1_context *, struct point *, const unsigned char *key, size_t length);
	int (*parse_signature)(const secp256k1_context *, struct signature *, const unsigned char *compact);
	int (*verify)(const secp256k1_context *, const struct signature *, const unsigned char *digest, const struct point *);
} library;
static pthread_once_t found = PTHREAD_ONCE_INIT;

static int open_library(const char *soname)
{
	void *file = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (file == NULL)
		return 0;
	library.create = dlsym(file, "secp256k1_context_create");
	library.parse_key = dlsym(file, "secp256k1_ec_pubkey_parse");
	library.parse_signature = dlsym(file, "secp256k1_ecdsa_signature_parse_compact");
	library.verify = dlsym(file, "secp256k1_ecdsa_verify");
	if (library.create != NULL && library.parse_key != NULL && library.parse_signature != NULL && library.verify != NULL)
		library.context = library.create(context_for_verification);
	if (library.context == NULL) {
		dlclose(file);
		return 0;
	}
	library.soname = soname;
	return 1;
}

static void find_library(void)
{
	for (size_t at = 0; at < sizeof(sonames) / sizeof(*sonames); at++)
		if (open_library(sonames[at]))
			return;
}

/* A copy, so that what was looked at is what is used: another thread may write to the memory of an argument. */
static bool take(napi_env env, napi_value value, void *to, size_t length, const char *problem)
{
	napi_typedarray_type type;
	size_t given;
	void *bytes;

	if (napi_get_typedarray_info(env, value, &type, &given, &bytes, NULL, NULL) == napi_ok && type == napi_uint8_array &&
		given == length) {
		memcpy(to, bytes, length);
		return true;
	}
	napi_throw_range_error(env, NULL, problem);
	return false;
}

static napi_value parse(napi_env env, napi_callback_info info)
{
	unsigned char key[key_length];
	struct point point;
	size_t count = 1;
	napi_value argument, result = NULL;

	if (napi_get_cb_info(env, info, &count, &argument, NULL, NULL) != napi_ok ||
		!take(env, argument, key, sizeof(key), "the key is not a Uint8Array of 33 bytes"))
		return NULL;
	if (library.parse_key(library.context, &point, key, sizeof(key)) == 1)
		napi_create_buffer_copy(env, sizeof(point), &point, NULL, &result);
	return result;
}

/* No point of the curve has the x 0. It comes first, and is 0 in every order of bytes. */
static bool was_parsed(const struct point *point)
{
	static const unsigned char zero[point_length / 2];

	return memcmp(point, zero, sizeof(zero)) != 0;
}

static napi_value verify(napi_env env, napi_callback_info info)
{
	unsigned char digest[digest_length], compact[signature_length];
	struct signature signature;
	struct point point;
	size_t count = 3;
	napi_value arguments[3], result = NULL;

	if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok ||
		!take(env, arguments[0], digest, sizeof(digest), "the digest is not a Uint8Array of 32 bytes") ||
		!take(env, arguments[1], compact, sizeof(compact), "the signature is not a Uint8Array of 64 bytes") ||
		!take(env, arguments[2], &point, sizeof(point), "the point is not a Uint8Array of 64 bytes"))
		return NULL;
	if (!was_parsed(&point)) {
		napi_throw_range_error(env, NULL, "the point is not one that was parsed");
		return NULL;
	}
	napi_get_boolean(env, library.parse_signature(library.context, &signature, compact) == 1 &&
		library.verify(library.context, &signature, digest, &point) == 1, &result);
	return result;
}

static void export_function(napi_env env, napi_value exports, const char *name, napi_callback callback)
{
	napi_value function;

	if (napi_create_function(env, name, strlen(name), callback, NULL, &function) == napi_ok)
		napi_set_named_property(env, exports, name, function);
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	napi_value soname;

	pthread_once(&found, find_library);
	if (library.soname == NULL)
		return exports;
	export_function(env, exports, "parse", parse);
	export_function(env, exports, "verify", verify);
	if (napi_create_string_utf8(env, library.soname, strlen(library.soname), &soname) == napi_ok)
		napi_set_named_property(env, exports, "soname", soname);
	return exports;
}
