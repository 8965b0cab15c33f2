/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's command line, see cmdline.h. One row of `rows` for each option says what kind of value it
 * takes and where that goes; one function for each kind reads the value and knows how to say what it expects.
 */
#include "common/cmdline.h"
#include "common/printk.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/words.h"

#define DEFAULTS                                                                                             \
    {                                                                                                        \
        .console_com1 = true, .console_vga = true, .hap = true, .gnttab_max_frames = 64,                     \
        .gnttab_max_maptrack_frames = 512, .com1 = {                                                         \
            .baud = 115200,                                                                                  \
            .data_bits = 8,                                                                                  \
            .parity = 'n',                                                                                   \
            .stop_bits = 1                                                                                   \
        }                                                                                                    \
    }

struct cmdline_options options = DEFAULTS;

enum kind { KIND_BOOL, KIND_U32, KIND_U64, KIND_PORT, KIND_IDLE, KIND_LEVEL, KIND_CONSOLES, KIND_COM };

struct row {
    const char *name;
    enum kind kind;
    void *to;
};

static const struct row rows[] = {
    {"console", KIND_CONSOLES, &options},           {"com1", KIND_COM, &options.com1},
    {"loglvl", KIND_LEVEL, &log_threshold},         {"guest_loglvl", KIND_LEVEL, &guest_log_threshold},
    {"noreboot", KIND_BOOL, &options.noreboot},     {"hap", KIND_BOOL, &options.hap},
    {"maxcpus", KIND_U32, &options.maxcpus},        {"idle", KIND_IDLE, &options.idle},
    {"gnttab_max_frames", KIND_U32, &options.gnttab_max_frames},
    {"gnttab_max_maptrack_frames", KIND_U32, &options.gnttab_max_maptrack_frames},
    {"debug-exit", KIND_PORT, &options.debug_exit}, {"scatter", KIND_U64, &options.scatter},
};

/* A name and what it stands for, where an option takes one of a few words. */
struct choice {
    const char *name;
    u32 value;
};

static const struct choice bool_choices[] = {
    {"1", 1}, {"yes", 1}, {"on", 1},  {"true", 1},  {"enable", 1},
    {"0", 0}, {"no", 0},  {"off", 0}, {"false", 0}, {"disable", 0},
};
static const struct choice level_choices[] = {
    {"none", LOG_NONE}, {"error", LOG_ERROR}, {"warning", LOG_WARNING},
    {"info", LOG_INFO}, {"debug", LOG_DEBUG}, {"all", LOG_DEBUG},
};
static const struct choice idle_choices[] = {
    {"poweroff", IDLE_POWEROFF},
    {"halt", IDLE_HALT},
    {"reboot", IDLE_REBOOT},
};

static bool choose(const struct choice *choices, size_t count, const char *text, size_t n, u32 *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(choices[i].name, text, n) == 0 && choices[i].name[n] == 0) {
            *value = choices[i].value;
            return true;
        }
    }
    return false;
}

/* What could not be understood, until there is a console
 * -----------------------------------------------------------*/

#define WARNINGS_MAX 8

static char warnings[WARNINGS_MAX][160];
static u32 warning_count;

static void __printf(1, 2) warn(const char *fmt, ...)
{
    va_list args;

    if (warning_count < WARNINGS_MAX) {
        va_start(args, fmt);
        format_text_v(warnings[warning_count], sizeof(warnings[0]), fmt, args);
        va_end(args);
        text_make_printable(warnings[warning_count]);
    }
    warning_count++;
}

u32 cmdline_print_warnings(void)
{
    for (u32 i = 0; i < warning_count && i < WARNINGS_MAX; i++)
        log_warning("command line: %s\n", warnings[i]);
    if (warning_count > WARNINGS_MAX)
        log_warning("command line: %u further complaints\n", warning_count - WARNINGS_MAX);
    return warning_count;
}

/* Values: each returns false where the text is not of its kind and leaves the old value
 * -----------------------------*/

static bool read_bool(const char *text, bool *to)
{
    u32 value;

    if (!choose(bool_choices, ARRAY_SIZE(bool_choices), text, strlen(text), &value))
        return false;
    *to = value != 0;
    return true;
}

static bool read_u32(const char *text, u32 *to)
{
    u64 value;

    if (!parse_u64(text, &value) || value > 0xffffffffu)
        return false;
    *to = (u32)value;
    return true;
}

static bool read_port(const char *text, u16 *to)
{
    u64 value;

    if (!parse_u64(text, &value) || value > 0xffff)
        return false;
    *to = (u16)value;
    return true;
}

static bool read_idle(const char *text, enum idle_action *to)
{
    u32 value;

    if (!choose(idle_choices, ARRAY_SIZE(idle_choices), text, strlen(text), &value))
        return false;
    *to = (enum idle_action)value;
    return true;
}

/* "a/b": Xen shows messages up to a always and up to b at a limited rate; ours are all limited. */
static bool read_level(const char *text, enum log_level *to)
{
    const char *slash = strchr(text, '/');
    u32 value, upper;

    if (!choose(level_choices, ARRAY_SIZE(level_choices), text, slash ? (size_t)(slash - text) : strlen(text),
                &value))
        return false;
    if (slash != NULL) {
        if (!choose(level_choices, ARRAY_SIZE(level_choices), slash + 1, strlen(slash + 1), &upper))
            return false;
        value = upper > value ? upper : value;
    }
    *to = (enum log_level)value;
    return true;
}

/* Names joined by commas; all are checked before one counts. */
static bool read_consoles(const char *text, struct cmdline_options *to)
{
    bool com1 = false, vga = false;

    for (;;) {
        const char *comma = strchr(text, ',');
        size_t n = comma != NULL ? (size_t)(comma - text) : strlen(text);
        if (n == 4 && strncmp(text, "com1", n) == 0)
            com1 = true;
        else if (n == 3 && strncmp(text, "vga", n) == 0)
            vga = true;
        else if (!(n == 4 && strncmp(text, "none", n) == 0))
            return false;
        if (comma == NULL)
            break;
        text = comma + 1;
    }
    to->console_com1 = com1;
    to->console_vga = vga;
    return true;
}

/* BAUD[,DPS]: the rate, then data bits, parity and stop bits in three characters. */
static bool read_com(const char *text, struct com1_options *to)
{
    struct com1_options com = {.data_bits = 8, .parity = 'n', .stop_bits = 1};
    u64 baud = 0;

    for (; *text >= '0' && *text <= '9' && baud <= 115200; text++)
        baud = baud * 10 + (u64)(*text - '0');
    if (baud < 50 || baud > 115200 || 115200 % baud != 0)
        return false;
    if (*text == ',') {
        if (strlen(++text) != 3 || text[0] < '5' || text[0] > '8' || text[2] < '1' || text[2] > '2')
            return false;
        if (text[1] != 'n' && text[1] != 'e' && text[1] != 'o')
            return false;
        com.data_bits = (u8)(text[0] - '0');
        com.parity = text[1];
        com.stop_bits = (u8)(text[2] - '0');
    } else if (*text != 0) {
        return false;
    }
    com.baud = (u32)baud;
    *to = com;
    return true;
}

static bool read_value(const struct row *row, const char *text)
{
    switch (row->kind) {
    case KIND_BOOL:
        return read_bool(text, row->to);
    case KIND_U32:
        return read_u32(text, row->to);
    case KIND_U64:
        return parse_u64(text, row->to);
    case KIND_PORT:
        return read_port(text, row->to);
    case KIND_IDLE:
        return read_idle(text, row->to);
    case KIND_LEVEL:
        return read_level(text, row->to);
    case KIND_CONSOLES:
        return read_consoles(text, row->to);
    case KIND_COM:
        return read_com(text, row->to);
    }
    return false;
}

static const char *expected(enum kind kind)
{
    static const char *const texts[] = {
        [KIND_BOOL] = "yes or no",
        [KIND_U32] = "a number below 2^32",
        [KIND_U64] = "a number below 2^64",
        [KIND_PORT] = "a port number up to 0xffff",
        [KIND_IDLE] = "poweroff, halt or reboot",
        [KIND_LEVEL] = "none, error, warning, info, debug or all",
        [KIND_CONSOLES] = "com1, vga, both with a comma, or none",
        [KIND_COM] = "a rate that divides 115200, then ,8n1 or the like",
    };
    return texts[kind];
}

/* Words
 * -------------------------------------------------------------------------------------------------------------*/

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static void read_switch(const char *word)
{
    bool off = strncmp(word, "no-", 3) == 0;
    const struct row *row = find_row(off ? word + 3 : word);

    if (row != NULL && row->kind == KIND_BOOL)
        *(bool *)row->to = !off;
    else if (row == NULL || off)
        warn("unknown option '%.100s'", word);
    else
        warn("%s: found no value, expected %s", word, expected(row->kind));
}

/* "name=value", or a switch: "name" or "no-name". */
static void read_word(char *word)
{
    char *equals = strchr(word, '=');

    if (equals == NULL) {
        read_switch(word);
        return;
    }
    *equals = 0;
    const struct row *row = find_row(word);
    if (row == NULL)
        warn("unknown option '%.60s=%.60s'", word, equals + 1);
    else if (!read_value(row, equals + 1))
        warn("%s: found '%.60s', expected %s", word, equals + 1, expected(row->kind));
}

static void set_defaults(void)
{
    options = (struct cmdline_options)DEFAULTS;
    log_threshold = LOG_INFO;
    guest_log_threshold = LOG_WARNING;
    warning_count = 0;
}

char cmdline_kept[1024];

void cmdline_parse(const char *line)
{
    char word[128];
    bool first = true;

    set_defaults();
    memset(cmdline_kept, 0, sizeof(cmdline_kept));
    memcpy(cmdline_kept, line, strnlen(line, sizeof(cmdline_kept) - 1));
    for (;;) {
        switch (word_next(&line, word, sizeof(word))) {
        case WORD_END:
            return;
        case WORD_TOO_LONG:
            warn("a word longer than %zu characters: '%.60s...'", sizeof(word) - 1, word);
            break;
        case WORD_OPEN_QUOTE:
            warn("a quote that is not closed: '%.100s'", word);
            break;
        case WORD_OK:
            /* Lines written for Xen begin with a word that stands for the file's name. */
            if (!(first && strcmp(word, "placeholder") == 0))
                read_word(word);
        }
        first = false;
    }
}
