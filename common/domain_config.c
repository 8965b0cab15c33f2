/* SPDX-License-Identifier: MIT */
/*
 * Reads the description of a domain, see domain_config.h. One row for each key; a key may be given once.
 * Whatever is wrong, the sentence names the key, what was found and what is expected, and nothing of the
 * description counts.
 */
#include "common/domain_config.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/words.h"
#include <xen/errno.h>
#include <xen/xen.h>

#define MEMORY_MIN MIB(1)
#define MEMORY_MAX GIB(1024) /* frame numbers of a domain fit 28 bits */
#define WORD_MAX   128

enum key {
    KEY_NAME,
    KEY_TYPE,
    KEY_MEMORY,
    KEY_MAXMEM,
    KEY_VCPUS,
    KEY_PAGING,
    KEY_POWEROFF,
    KEY_REBOOT,
    KEY_CRASH,
    KEY_PRIVILEGED,
    KEY_COUNT
};

struct row {
    const char *name;
    const char *expected;
};

static const struct row rows[KEY_COUNT] = {
    [KEY_NAME] = {"name", "1 to 31 characters of A-Z a-z 0-9 . _ + -"},
    [KEY_TYPE] = {"type", "pv"},
    [KEY_MEMORY] = {"memory", "a size from 1M to 1024G in whole pages, such as 32 (MiB), 1536K or 1G"},
    [KEY_MAXMEM] = {"maxmem", "a size from memory= to 1024G in whole pages"},
    [KEY_VCPUS] = {"vcpus", "a number from 1 to 32"},
    [KEY_PAGING] = {"paging", "direct, rewrite or auto"},
    [KEY_POWEROFF] = {"on_poweroff", "destroy, restart or preserve"},
    [KEY_REBOOT] = {"on_reboot", "destroy, restart or preserve"},
    [KEY_CRASH] = {"on_crash", "destroy, restart or preserve"},
    [KEY_PRIVILEGED] = {"privileged", "0 or 1"},
};

struct choice {
    const char *name;
    u32 value;
};

static const struct choice paging_choices[] = {
    {"auto", PAGING_AUTO}, {"direct", PAGING_DIRECT}, {"rewrite", PAGING_REWRITE}, {NULL, 0}};
static const struct choice action_choices[] = {
    {"destroy", ACTION_DESTROY}, {"restart", ACTION_RESTART}, {"preserve", ACTION_PRESERVE}, {NULL, 0}};
static const struct choice type_choices[] = {{"pv", DOMAIN_PV}, {NULL, 0}};
static const struct choice flag_choices[] = {{"0", 0}, {"1", 1}, {NULL, 0}};

static bool choose(const struct choice *choice, const char *text, u32 *value)
{
    for (; choice->name != NULL; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *value = choice->value;
            return true;
        }
    }
    return false;
}

bool parse_size(const char *text, size_t length, u64 *bytes)
{
    unsigned shift = 20;
    u64 n = 0;
    size_t i;

    for (i = 0; i < length && text[i] >= '0' && text[i] <= '9'; i++)
        if (__builtin_mul_overflow(n, 10ull, &n) || __builtin_add_overflow(n, (u64)(text[i] - '0'), &n))
            return false;
    if (i == 0 || i + 1 < length)
        return false;
    if (i < length) {
        char unit = text[i];
        if (unit == 'K' || unit == 'k')
            shift = 10;
        else if (unit == 'G' || unit == 'g')
            shift = 30;
        else if (unit != 'M' && unit != 'm')
            return false;
    }
    if (n > ~0ull >> shift)
        return false;
    *bytes = n << shift;
    return true;
}

static bool read_name(const char *text, char *name)
{
    size_t n = strlen(text);

    if (n == 0 || n >= DOMAIN_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || strchr("._+-", c) == NULL))
            return false;
    }
    memcpy(name, text, n + 1);
    return true;
}

static bool read_memory(const char *text, u64 *bytes)
{
    return parse_size(text, strlen(text), bytes) && *bytes >= MEMORY_MIN && *bytes <= MEMORY_MAX &&
           *bytes % PAGE_SIZE == 0;
}

static bool read_vcpus(const char *text, u32 *vcpus)
{
    u64 n;

    if (!parse_u64(text, &n) || n < 1 || n > XEN_LEGACY_MAX_VCPUS)
        return false;
    *vcpus = (u32)n;
    return true;
}

static bool read_action(const char *text, enum domain_action *action)
{
    u32 value;

    if (!choose(action_choices, text, &value))
        return false;
    *action = (enum domain_action)value;
    return true;
}

static bool read_value(struct domain_config *c, enum key key, const char *text)
{
    u32 value;

    switch (key) {
    case KEY_NAME:
        return read_name(text, c->name);
    case KEY_TYPE:
        if (!choose(type_choices, text, &value))
            return false;
        c->type = (enum domain_type)value;
        return true;
    case KEY_MEMORY:
        return read_memory(text, &c->memory);
    case KEY_MAXMEM:
        return read_memory(text, &c->maxmem);
    case KEY_VCPUS:
        return read_vcpus(text, &c->vcpus);
    case KEY_PAGING:
        if (!choose(paging_choices, text, &value))
            return false;
        c->paging = (enum domain_paging)value;
        return true;
    case KEY_POWEROFF:
        return read_action(text, &c->on_poweroff);
    case KEY_REBOOT:
        return read_action(text, &c->on_reboot);
    case KEY_CRASH:
        return read_action(text, &c->on_crash);
    case KEY_PRIVILEGED:
        if (!choose(flag_choices, text, &value))
            return false;
        c->privileged = value != 0;
        return true;
    case KEY_COUNT:
        break;
    }
    return false;
}

struct reader {
    struct domain_config *config;
    u32 seen; /* bit per enum key */
    char *error;
    size_t error_size;
};

static int __printf(2, 3) fail(struct reader *r, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_text_v(r->error, r->error_size, fmt, args);
    va_end(args);
    if (r->error_size != 0)
        text_make_printable(r->error);
    return -XEN_EINVAL;
}

static enum key find_key(const char *name)
{
    unsigned key = 0;

    while (key < KEY_COUNT && strcmp(rows[key].name, name) != 0)
        key++;
    return (enum key)key;
}

static int read_word(struct reader *r, char *word)
{
    char *equals = strchr(word, '=');

    if (equals == NULL)
        return fail(r, "found '%.60s', expected key=value or --", word);
    *equals = 0;
    const char *value = equals + 1;
    enum key key = find_key(word);
    if (key == KEY_COUNT)
        return fail(r,
                    "unknown key '%.40s', expected one of name type memory maxmem vcpus paging on_poweroff "
                    "on_reboot on_crash privileged",
                    word);
    if ((r->seen & 1u << key) != 0)
        return fail(r, "%s is given twice, the second time as '%.60s'", word, value);
    r->seen |= 1u << key;
    if (!read_value(r->config, key, value))
        return fail(r, "%s: found '%.60s', expected %s", word, value, rows[key].expected);
    return 0;
}

static const char *skip_space(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
        p++;
    return p;
}

/* Behind "--": the guest's, as it stands. */
static int read_cmdline(struct reader *r, const char *text)
{
    text = skip_space(text);
    size_t n = strnlen(text, DOMAIN_CMDLINE_MAX);
    if (n == DOMAIN_CMDLINE_MAX)
        return fail(r, "the command line has over %u characters", DOMAIN_CMDLINE_MAX - 1);
    memcpy(r->config->cmdline, text, n + 1);
    return 0;
}

static int finish(struct reader *r)
{
    struct domain_config *c = r->config;

    if ((r->seen & 1u << KEY_MAXMEM) == 0)
        c->maxmem = c->memory;
    if (c->maxmem < c->memory)
        return fail(r, "maxmem: found %lu KiB, expected at least memory, %lu KiB", c->maxmem >> 10,
                    c->memory >> 10);
    return 0;
}

static bool is_dashes(const char *p)
{
    return p[0] == '-' && p[1] == '-' &&
           (p[2] == 0 || p[2] == ' ' || p[2] == '\t' || p[2] == '\n' || p[2] == '\r');
}

int domain_config_parse(const char *text, struct domain_config *out, char *error, size_t error_size)
{
    struct reader r = {.config = out, .error = error, .error_size = error_size};
    char word[WORD_MAX];

    *out = (struct domain_config){.name = "dom",
                                  .type = DOMAIN_PV,
                                  .paging = PAGING_AUTO,
                                  .on_poweroff = ACTION_DESTROY,
                                  .on_reboot = ACTION_RESTART,
                                  .on_crash = ACTION_PRESERVE,
                                  .memory = MIB(32),
                                  .vcpus = 1};
    for (bool first = true;; first = false) {
        text = skip_space(text);
        if (is_dashes(text)) {
            int rc = read_cmdline(&r, text + 2);
            return rc != 0 ? rc : finish(&r);
        }
        switch (word_next(&text, word, sizeof(word))) {
        case WORD_END:
            return finish(&r);
        case WORD_TOO_LONG:
            return fail(&r, "a word longer than %u characters: '%.60s...'", WORD_MAX - 1, word);
        case WORD_OPEN_QUOTE:
            return fail(&r, "a quote that is not closed: '%.60s'", word);
        case WORD_OK:
            break;
        }
        int rc = first && strcmp(word, "domain") == 0 ? 0 : read_word(&r, word);
        if (rc != 0)
            return rc;
    }
}
