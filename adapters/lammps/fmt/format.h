/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef IW_LAMMPS_FMT_FORMAT_H
#define IW_LAMMPS_FMT_FORMAT_H
/*
 * fmt/format.h - the names of {fmt} that LAMMPS' installed headers mention.
 *
 * LAMMPS bundles {fmt} 7 but its -dev package leaves it out, and Debian's libfmt 9 does not fit.
 * The fix calls none of the formatting overloads, so declarations are enough.
 */
namespace fmt
{
inline namespace v7_lmp
{
template <typename Char> class basic_string_view;
using string_view = basic_string_view<char>;
struct format_args;
template <typename... Args, typename S> int make_args_checked(const S &format, const Args &...args);
} // namespace v7_lmp
} // namespace fmt

#endif
