/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki - the certificate authority, the certificate of the server and the token, made once
 */
#include "local/engine/io/pki.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	DAY_S = 86400,
	CA_DAYS = 3650,
	SERVER_DAYS = 365,
	CA_LEFT_DAYS = 365,
	SERVER_LEFT_DAYS = 30
};

static const char server_names[] =
        "IP:127.0.0.1,IP:::1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"
        "DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local";

DEFINE_CLEANUP(X509 *, X509_free);
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free);
DEFINE_CLEANUP(BIO *, BIO_free_all);

static int ssl_err(struct err *err, const char *what)
{
	char text[160];

	ERR_error_string_n(ERR_get_error(), text, sizeof text);
	return err_set(err, ERR_SYS, 0, "%s: %s", what, text);
}

int pki_write_file(const char *path, const char *text, unsigned mode, struct err *err)
{
	char temporary[PATH_MAX];
	size_t bytes = strlen(text);
	CLEANUP(fd_close_var) int fd = -1;

	(void)snprintf(temporary, sizeof temporary, "%s.new", path);
	(void)unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	if (fd < 0 || write(fd, text, bytes) != (ssize_t)bytes || fsync(fd) < 0 ||
	    rename(temporary, path) < 0) {
		int why = errno ? errno : EIO;

		(void)unlink(temporary);
		return err_set(err, ERR_SYS, why, "write %s", path);
	}
	return 0;
}

static const char *path_in(char buf[PATH_MAX], const char *dir, const char *name)
{
	(void)snprintf(buf, PATH_MAX, "%s/%s", dir, name);
	return buf;
}

static char *bio_text(BIO *bio)
{
	char *data;
	long n = BIO_get_mem_data(bio, &data);

	return strndup(data, (size_t)n);
}

static int write_pair(const char *dir, const char *name, X509 *cert, EVP_PKEY *key, struct err *err)
{
	CLEANUP(BIO_free_all_var) BIO *cert_bio = BIO_new(BIO_s_mem());
	CLEANUP(BIO_free_all_var) BIO *key_bio = BIO_new(BIO_s_mem());
	CLEANUP(free_var) char *cert_pem = NULL;
	CLEANUP(free_var) char *key_pem = NULL;
	char path[PATH_MAX], file[32];

	if (PEM_write_bio_X509(cert_bio, cert) != 1 ||
	    PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return ssl_err(err, name);
	cert_pem = bio_text(cert_bio);
	key_pem = bio_text(key_bio);
	(void)snprintf(file, sizeof file, "%s.key", name);
	if (pki_write_file(path_in(path, dir, file), key_pem, 0600, err) < 0)
		return -1;
	(void)snprintf(file, sizeof file, "%s.crt", name);
	return pki_write_file(path_in(path, dir, file), cert_pem, 0644, err);
}

static X509 *read_cert(const char *dir, const char *file)
{
	char path[PATH_MAX];
	CLEANUP(fclose_var) FILE *f = fopen(path_in(path, dir, file), "re");

	return f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
}

static EVP_PKEY *read_key(const char *dir, const char *file)
{
	char path[PATH_MAX];
	CLEANUP(fclose_var) FILE *f = fopen(path_in(path, dir, file), "re");

	return f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
}

static bool extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *name, int days)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	unsigned char serial[16];
	BIGNUM *number;

	if (RAND_bytes(serial, sizeof serial) != 1)
		return false;
	serial[0] &= 0x7f;
	number = BN_bin2bn(serial, sizeof serial, NULL);
	(void)BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return X509_set_version(cert, 2) == 1 &&
	       X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
	                                  -1, -1, 0) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY_S) != NULL &&
	       X509_set_pubkey(cert, key) == 1;
}

static int make_ca(const char *dir, X509 **ret_cert, EVP_PKEY **ret_key, struct err *err)
{
	CLEANUP(EVP_PKEY_free_var) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(X509_free_var) X509 *cert = X509_new();

	if (key == NULL || cert == NULL || !fill(cert, key, "sc-local CA", CA_DAYS) ||
	    X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
	    !extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE") ||
	    !extend(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !extend(cert, cert, NID_subject_key_identifier, "hash") ||
	    X509_sign(cert, key, EVP_sha256()) == 0)
		return ssl_err(err, "make the CA");
	if (write_pair(dir, "ca", cert, key, err) < 0)
		return -1;
	*ret_cert = TAKE_PTR(cert);
	*ret_key = TAKE_PTR(key);
	return 0;
}

/* Whoever signs certificates. */
struct signer {
	X509 *cert;
	EVP_PKEY *key;
};

static int make_server(const char *dir, const struct signer *ca, X509 **ret_cert,
                       EVP_PKEY **ret_key, struct err *err)
{
	CLEANUP(EVP_PKEY_free_var) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(X509_free_var) X509 *cert = X509_new();

	if (key == NULL || cert == NULL || !fill(cert, key, "sc-local", SERVER_DAYS) ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) != 1 ||
	    !extend(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !extend(cert, ca->cert, NID_key_usage, "critical,digitalSignature") ||
	    !extend(cert, ca->cert, NID_ext_key_usage, "serverAuth") ||
	    !extend(cert, ca->cert, NID_authority_key_identifier, "keyid") ||
	    !extend(cert, ca->cert, NID_subject_alt_name, server_names) ||
	    X509_sign(cert, ca->key, EVP_sha256()) == 0)
		return ssl_err(err, "make the server's certificate");
	if (write_pair(dir, "server", cert, key, err) < 0)
		return -1;
	*ret_cert = TAKE_PTR(cert);
	*ret_key = TAKE_PTR(key);
	return 0;
}

static bool lasts(const X509 *cert, int days)
{
	int left_days = 0, seconds = 0;

	return cert && ASN1_TIME_diff(&left_days, &seconds, NULL, X509_get0_notAfter(cert)) == 1 &&
	       left_days >= days;
}

static int make_context(struct pki *pki, X509 *cert, EVP_PKEY *key, struct err *err)
{
	pki->server = SSL_CTX_new(TLS_server_method());
	if (pki->server == NULL)
		return ssl_err(err, "TLS");
	(void)SSL_CTX_set_min_proto_version(pki->server, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(pki->server, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(pki->server, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(pki->server, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(pki->server, 0); /* clients keep their connections */
	if (SSL_CTX_use_certificate(pki->server, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(pki->server, key) != 1)
		return ssl_err(err, "TLS certificate");
	return 0;
}

int pki_open(struct pki *pki, const char *state_dir, struct err *err)
{
	CLEANUP(EVP_PKEY_free_var) EVP_PKEY *ca_key = NULL;
	CLEANUP(EVP_PKEY_free_var) EVP_PKEY *key = NULL;
	CLEANUP(BIO_free_all_var) BIO *bio = BIO_new(BIO_s_mem());
	CLEANUP(X509_free_var) X509 *ca = NULL;
	CLEANUP(X509_free_var) X509 *cert = NULL;
	char dir[PATH_MAX];

	*pki = (struct pki){0};
	(void)path_in(dir, state_dir, "pki");
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, ERR_SYS, errno, "make %s", dir);
	ca = read_cert(dir, "ca.crt");
	ca_key = read_key(dir, "ca.key");
	if (!lasts(ca, CA_LEFT_DAYS) || ca_key == NULL || X509_check_private_key(ca, ca_key) != 1) {
		X509_free(TAKE_PTR(ca));
		EVP_PKEY_free(TAKE_PTR(ca_key));
		if (make_ca(dir, &ca, &ca_key, err) < 0)
			return -1;
	}
	cert = read_cert(dir, "server.crt");
	key = read_key(dir, "server.key");
	if (!lasts(cert, SERVER_LEFT_DAYS) || key == NULL ||
	    X509_check_private_key(cert, key) != 1 || X509_verify(cert, ca_key) != 1) {
		X509_free(TAKE_PTR(cert));
		EVP_PKEY_free(TAKE_PTR(key));
		if (make_server(dir, &(struct signer){ca, ca_key}, &cert, &key, err) < 0)
			return -1;
	}
	ERR_clear_error();
	if (PEM_write_bio_X509(bio, ca) != 1)
		return ssl_err(err, "CA");
	pki->ca_pem = bio_text(bio);
	return make_context(pki, cert, key, err);
}

void pki_close(struct pki *pki)
{
	SSL_CTX_free(pki->server);
	free(pki->ca_pem);
	*pki = (struct pki){0};
}

int pki_token(const char *state_dir, char **ret_token, struct err *err)
{
	char path[PATH_MAX], token[65] = "";
	unsigned char random[32];
	FILE *f = fopen(path_in(path, state_dir, "token"), "re");

	if (f) {
		size_t n = fread(token, 1, sizeof token - 1, f);

		token[n] = 0;
		token[strcspn(token, "\r\n")] = 0;
		(void)fclose(f);
	}
	if (strlen(token) < 32) {
		if (RAND_bytes(random, sizeof random) != 1)
			return ssl_err(err, "token");
		for (size_t i = 0; i < sizeof random; i++)
			(void)snprintf(token + 2 * i, 3, "%02x", random[i]);
		if (pki_write_file(path, token, 0600, err) < 0)
			return -1;
	}
	*ret_token = strdup(token);
	return *ret_token ? 0 : err_set(err, ERR_NOMEM, 0, "token");
}
