/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Last: it defines common words. */
#include <curses.h>
#include <term.h>
#undef columns
#undef lines

static SCREEN *terminal;
static attr_t attributes[IW_STYLE_COUNT];
static short pairs[IW_STYLE_COUNT];

static void
choose_styles(void)
{
    static const struct {
        attr_t attribute;
        short colour; /* -1: the terminal's own */
    } styles[IW_STYLE_COUNT] = {
        [IW_STYLE_PLAIN] = {A_NORMAL, -1},
        [IW_STYLE_FAINT] = {A_DIM, -1},
        [IW_STYLE_STRONG] = {A_BOLD, -1},
        [IW_STYLE_BAR] = {A_REVERSE, -1},
        [IW_STYLE_SELECTED] = {A_REVERSE, -1},
        [IW_STYLE_GOOD] = {A_NORMAL, COLOR_GREEN},
        [IW_STYLE_WARNING] = {A_NORMAL, COLOR_YELLOW},
        [IW_STYLE_BAD] = {A_BOLD, COLOR_RED},
        [IW_STYLE_CURVE] = {A_NORMAL, COLOR_CYAN},
        [IW_STYLE_BAND] = {A_DIM, COLOR_CYAN},
        [IW_STYLE_FIT] = {A_NORMAL, COLOR_YELLOW},
    };
    const char *no_color = getenv("NO_COLOR");
    bool colours = !(no_color && *no_color) && has_colors() && start_color() == OK &&
                   use_default_colors() == OK;
    for (int s = 0; s < IW_STYLE_COUNT; s++) {
        attributes[s] = styles[s].attribute;
        pairs[s] = 0;
        if (colours && styles[s].colour >= 0 &&
            init_pair((short)(s + 1), styles[s].colour, -1) == OK)
            pairs[s] = (short)(s + 1);
    }
}

/* Does it show what lies beyond ASCII?  A locale that came over ssh and is not installed here still
 * tells what the terminal is; the console of Linux has no font for braille or CJK. */
static bool
shows_utf8(void)
{
    static const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *term = getenv("TERM"), *wanted = NULL;
    for (size_t k = 0; k < 3 && !(wanted && *wanted); k++)
        wanted = getenv(variables[k]);
    if (!setlocale(LC_CTYPE, "") && wanted &&
        (strcasestr(wanted, "utf-8") || strcasestr(wanted, "utf8")))
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && !(term && strcmp(term, "linux") == 0);
}

bool
iw_terminal_open(bool *utf8)
{
    int problem;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return false;
    if (setupterm(NULL, STDOUT_FILENO, &problem) != OK)
        return false;
    bool places = cursor_address != NULL;
    (void)del_curterm(cur_term);
    if (!places)
        return false;
    *utf8 = shows_utf8();
    terminal = newterm(NULL, stdout, stdin);
    if (!terminal)
        return false;
    (void)set_escdelay(50);
    (void)raw();
    (void)noecho();
    (void)nonl();
    (void)nodelay(stdscr, true);
    (void)keypad(stdscr, true);
    (void)curs_set(0);
    choose_styles();
    return true;
}

void
iw_terminal_close(void)
{
    if (!terminal)
        return;
    (void)endwin();
    delscreen(terminal);
    terminal = NULL;
}

void
iw_terminal_size(int *rows, int *columns)
{
    getmaxyx(stdscr, *rows, *columns);
}

void
iw_terminal_show(const iw_screen *screen)
{
    const iw_screen_cell *cell = screen->cells;
    (void)erase();
    for (int row = 0; row < screen->rows; row++)
        for (int column = 0; column < screen->columns; column++, cell++) {
            wchar_t text[2] = {cell->glyph, 0};
            cchar_t glyph;
            if (!cell->glyph)
                continue;
            if (setcchar(&glyph, text, attributes[cell->style], pairs[cell->style], NULL) == OK)
                (void)mvadd_wch(row, column, &glyph);
        }
    (void)refresh();
}

static int
function_key(wint_t key)
{
    static const struct {
        wint_t theirs;
        int ours;
    } keys[] = {
        {KEY_UP, IW_KEY_UP},         {KEY_DOWN, IW_KEY_DOWN},     {KEY_LEFT, IW_KEY_LEFT},
        {KEY_RIGHT, IW_KEY_RIGHT},   {KEY_PPAGE, IW_KEY_PAGE_UP}, {KEY_NPAGE, IW_KEY_PAGE_DOWN},
        {KEY_HOME, IW_KEY_HOME},     {KEY_END, IW_KEY_END},       {KEY_BACKSPACE, IW_KEY_BACKSPACE},
        {KEY_BTAB, IW_KEY_BACK_TAB}, {KEY_ENTER, IW_KEY_ENTER},   {KEY_RESIZE, IW_KEY_RESIZE}};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (keys[k].theirs == key)
            return keys[k].ours;
    return IW_KEY_OTHER;
}

/* Nobody is at the other end any more: what poll says of a closed window or connection. */
static bool
is_gone(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL));
}

int
iw_terminal_key(void)
{
    enum { CTRL_L = 12, CTRL_Z = 26 };
    wint_t key = 0;
    int kind = get_wch(&key);
    if (kind == KEY_CODE_YES)
        return function_key(key);
    if (kind == ERR)
        return is_gone() ? IW_KEY_INTERRUPT : IW_KEY_NONE;
    switch (key) {
    case '\b':
    case 0x7f:
        return IW_KEY_BACKSPACE;
    case '\n':
        return IW_KEY_ENTER;
    case CTRL_L:
        (void)clearok(stdscr, true);
        return IW_KEY_RESIZE;
    case CTRL_Z: /* ncurses gives the terminal back, and takes it again on return */
        (void)raise(SIGTSTP);
        return IW_KEY_RESIZE;
    default:
        return key ? (int)key : IW_KEY_OTHER;
    }
}
