#include "common/sp_nn.h"

#include <errno.h>
#include <nanomsg/nn.h>
#include <nanomsg/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "mereau/assert.h"

enum mr_status sp_nn_options(int socket)
{
    /* A limit of -1 would let 16 bytes abort this process; Nagle costs 40 ms a burst. */
    static const struct {
        int level, option, value;
    } options[] = {
        {NN_SOL_SOCKET, NN_RCVMAXSIZE, SP_MESSAGE_MAX},
        {NN_SOL_SOCKET, NN_MAXTTL, 1},
        {NN_SOL_SOCKET, NN_RECONNECT_IVL, 100},
        {NN_SOL_SOCKET, NN_RECONNECT_IVL_MAX, 1000},
        {NN_TCP, NN_TCP_NODELAY, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (nn_setsockopt(socket, options[i].level, options[i].option, &options[i].value,
                          sizeof options[i].value) != 0)
            return MR_NO_MEMORY;
    return MR_OK;
}

enum mr_status sp_nn_family(int socket, bool is_v4)
{
    const int only = is_v4 ? 1 : 0;
    return nn_setsockopt(socket, NN_SOL_SOCKET, NN_IPV4ONLY, &only, sizeof only) == 0
               ? MR_OK
               : MR_NO_MEMORY;
}

bool sp_nn_url(char ret[SP_NN_URL_MAX], const struct addrinfo *all, unsigned turn, uint16_t port)
{
    unsigned count = 0;
    for (const struct addrinfo *a = all; a != NULL; a = a->ai_next)
        count++;
    if (count == 0)
        return false;
    const struct addrinfo *chosen = all;
    for (unsigned i = turn % count; i > 0; i--)
        chosen = chosen->ai_next;
    char host[48];
    if (getnameinfo(chosen->ai_addr, chosen->ai_addrlen, host, sizeof host, NULL, 0,
                    NI_NUMERICHOST) != 0)
        return false;
    snprintf(ret, SP_NN_URL_MAX, chosen->ai_family == AF_INET6 ? "tcp://[%s]:%u" : "tcp://%s:%u",
             host, (unsigned)port);
    return true;
}

union control {
    struct nn_cmsghdr aligned;
    uint8_t bytes[SP_NN_CONTROL_MAX];
};

int sp_nn_send(int socket, const uint8_t *head, size_t head_len, const uint8_t *body, size_t len,
               int flags)
{
    union control c = {.bytes = {0}};
    mr_assert(head_len <= SP_NN_HEAD_MAX);
    c.aligned.cmsg_len = NN_CMSG_LEN(sizeof(size_t) + head_len);
    c.aligned.cmsg_level = PROTO_SP;
    c.aligned.cmsg_type = SP_HDR;
    uint8_t *const data = NN_CMSG_DATA(&c.aligned);
    memcpy(data, &head_len, sizeof head_len);
    memcpy(data + sizeof head_len, head, head_len);

    uint8_t *chunk = nn_allocmsg(len, 0);
    if (chunk == NULL)
        return ENOMEM;
    if (len > 0)
        memcpy(chunk, body, len);
    struct nn_iovec part = {.iov_base = &chunk, .iov_len = NN_MSG};
    const struct nn_msghdr m = {.msg_iov = &part,
                                .msg_iovlen = 1,
                                .msg_control = c.bytes,
                                .msg_controllen = NN_CMSG_SPACE(sizeof(size_t) + head_len)};
    if (nn_sendmsg(socket, &m, flags) >= 0)
        return 0;
    const int error = nn_errno();
    nn_freemsg(chunk);
    return error;
}

int sp_nn_recv(int socket, uint8_t *ret_head, size_t *ret_head_len, uint8_t **ret_body,
               size_t *ret_len, int flags)
{
    union control c = {.bytes = {0}};
    uint8_t *chunk = NULL;
    struct nn_iovec part = {.iov_base = &chunk, .iov_len = NN_MSG};
    struct nn_msghdr m = {.msg_iov = &part,
                          .msg_iovlen = 1,
                          .msg_control = c.bytes,
                          .msg_controllen = sizeof c.bytes};
    const int n = nn_recvmsg(socket, &m, flags);
    if (n < 0)
        return nn_errno();
    const struct nn_cmsghdr *const h = NN_CMSG_FIRSTHDR(&m);
    size_t head_len = 0;
    if (h != NULL && h->cmsg_level == PROTO_SP && h->cmsg_type == SP_HDR)
        memcpy(&head_len, c.bytes + sizeof *h, sizeof head_len);
    if (head_len < 4 || head_len > SP_NN_HEAD_MAX || n > MR_FRAME_MAX) {
        nn_freemsg(chunk);
        return EAGAIN;
    }
    memcpy(ret_head, c.bytes + sizeof *h + sizeof head_len, head_len);
    *ret_head_len = head_len;
    *ret_body = chunk;
    *ret_len = (size_t)n;
    return 0;
}
