/* What the machine can do at most: signatures, and synced appends. */
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "mereau/codec.h"

enum {
    SAMPLE_MAX = 4096,
    THREADS_MAX = 64,
    MEASURE_MS = 1500,
    APPENDS_MAX = 20000,
    FILE_BYTES = 256 << 20,
};

uint64_t bench_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A signature, its key and the digest that is signed (ENC-9). */
struct proof {
    uint8_t sig[64], digest[32], key[32];
};

struct verifying {
    const struct proof *proofs;
    size_t count;
    uint64_t until_ns, done;
    bool wrong;
    pthread_t thread;
};

static void digest_of(uint8_t ret[32], const struct estate *e, const struct mr_order *o)
{
    static const char purpose[] = "mereau/order";
    const uint8_t alg = MR_ALG_ED25519, epoch[4] = {0};
    uint8_t bytes[1024];
    const size_t len = mr_order_encode(o, bytes, sizeof bytes);
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, 32);
    crypto_generichash_update(&h, (const uint8_t *)purpose, sizeof purpose);
    crypto_generichash_update(&h, &alg, 1);
    crypto_generichash_update(&h, e->ledger, 32);
    crypto_generichash_update(&h, epoch, sizeof epoch);
    crypto_generichash_update(&h, bytes, len);
    crypto_generichash_final(&h, ret, 32);
}

static void *verify(void *arg)
{
    struct verifying *v = arg;
    for (size_t i = 0; bench_ns() < v->until_ns; i = (i + 1) % v->count) {
        const struct proof *p = &v->proofs[i];
        if (crypto_sign_verify_detached(p->sig, p->digest, sizeof p->digest, p->key) != 0)
            v->wrong = true;
        v->done++;
    }
    return NULL;
}

static size_t sample(struct proof *proofs, const struct estate *e, const struct deck *d)
{
    struct mr_request *r = malloc(sizeof *r);
    size_t n = 0;
    for (; r != NULL && n < SAMPLE_MAX && n < d->cells_count; n++) {
        const uint8_t *const cell = d->cells + n * d->cell_bytes;
        uint32_t len;
        memcpy(&len, cell, sizeof len);
        if (mr_request_decode(r, cell + sizeof len, len) != MR_OK)
            break;
        const struct mr_signed_order *o = &r->body.u.submit.order;
        digest_of(proofs[n].digest, e, &o->order);
        memcpy(proofs[n].sig, o->sigs[0].sig, 64);
        memcpy(proofs[n].key, e->members[n % e->members_count].public.key, 32);
    }
    free(r);
    return n;
}

double limit_verify(const struct estate *e, const struct deck *d, unsigned threads)
{
    return limit_verify_for(e, d, threads, MEASURE_MS);
}

double limit_verify_for(const struct estate *e, const struct deck *d, unsigned threads, uint64_t ms)
{
    struct verifying v[THREADS_MAX];
    struct proof *proofs = malloc(SAMPLE_MAX * sizeof *proofs);
    const size_t count = proofs != NULL ? sample(proofs, e, d) : 0;
    uint64_t done = 0;
    bool wrong = count == 0;
    unsigned started = 0;
    const uint64_t start = bench_ns();
    for (; !wrong && started < threads && started < THREADS_MAX; started++) {
        v[started] = (struct verifying){
            .proofs = proofs, .count = count, .until_ns = start + ms * UINT64_C(1000000)};
        if (pthread_create(&v[started].thread, NULL, verify, &v[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(v[i].thread, NULL);
        done += v[i].done;
        wrong = wrong || v[i].wrong;
    }
    const uint64_t ns = bench_ns() - start;
    free(proofs);
    return wrong ? 0 : (double)done * 1e9 / (double)ns;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

double limit_append(const char *dir, size_t bytes, uint64_t *ret_median_us)
{
    char path[BENCH_PATH_MAX + 16];
    uint64_t *took = malloc(APPENDS_MAX * sizeof *took);
    uint8_t *block = calloc(1, bytes);
    size_t n = 0, at = 0;
    snprintf(path, sizeof path, "%s/append.tmp", dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    const uint64_t start = bench_ns();
    uint64_t now = start;
    if (took != NULL && block != NULL && fd >= 0 && posix_fallocate(fd, 0, FILE_BYTES) == 0) {
        randombytes_buf(block, bytes);
        while (n < APPENDS_MAX && now - start < MEASURE_MS * UINT64_C(1000000) &&
               at + bytes <= FILE_BYTES) {
            const uint64_t before = bench_ns();
            if (pwrite(fd, block, bytes, (off_t)at) != (ssize_t)bytes || fdatasync(fd) != 0)
                break;
            now = bench_ns();
            took[n++] = now - before;
            at += bytes;
        }
    }
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    if (n > 0)
        qsort(took, n, sizeof *took, by_size);
    *ret_median_us = n > 0 ? took[n / 2] / 1000 : 0;
    free(took);
    free(block);
    return n > 0 ? (double)n * 1e9 / (double)(now - start) : 0;
}
