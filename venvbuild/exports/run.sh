#!/bin/sh
{ # read as a whole before any of it is run: half a script is a syntax error
    # The environment @NAME@ (@VERSION@), made by venvbuild; its archive lies behind this script. sh THIS_FILE --help
    set -eu
    # Each variable and function begins with `_`, for which the file that is made has a longer word: any other name may
    # be one of the environment, which the command is to see as it was.
    _sum=@SCRIPT_SHA256@
    _lines=@LINES@ _begin=@BEGIN@ _archive=@ARCHIVE_SHA256@ _inside=@INSIDE@
    _env_name=@NAME@ _version=@VERSION@ _minor=@PYTHON@
    _own_python=@OWN_PYTHON@ _platform=@PLATFORM@ _abi=@ABI@ _glibc=@GLIBC@ _libraries=@LIBRARIES@

    _me=${0##*/}
    _building=
    _problems=
    _say() { printf '%s\n' "$_me: $*" >&2; }
    _fail() {
        _code=$1
        shift
        _say "$@"
        exit "$_code"
    }
    _damaged() { _say "damaged, $1: nothing was run; get the file again (it is read by its name: sh FILE)"; }
    _has() { command -v "$1" >/dev/null 2>&1; }

    # All lines of this script but the one of the sum.
    _own_lines() {
        _count=0
        while [ "$_count" -lt "$_lines" ] && IFS= read -r _line; do
            _count=$((_count + 1))
            case $_line in "    _sum="*) ;; *) printf '%s\n' "$_line" ;; esac
        done <"$0"
    }
    _is_whole() { [ "$(_own_lines | sha256sum)" = "$_sum  -" ]; }
    # What is looked for may be in any line, so none is relied upon alone.
    if _has sha256sum && ! _is_whole; then
        _damaged "in its script"
        exit 8
    fi

    # $1 for a line of sh.
    _quoted() {
        _rest=$1
        _text=
        while :; do
            case $_rest in
            *\'*)
                _text=$_text${_rest%%\'*}"'\\''"
                _rest=${_rest#*\'}
                ;;
            *) break ;;
            esac
        done
        printf '%s' "'$_text$_rest'"
    }
    # The full path of the folder $1, in $_place.
    _find_place() {
        _place=$(CDPATH='' cd -- "$1" && pwd -P && echo .) || return 1
        _place=${_place%??} # a line end that belongs to a name stays
        # of a folder that is gone dash and busybox say nothing, bash a dot
        case $_place in /*) ;; *) return 1 ;; esac
    }
    _lies() { [ -e "$1" ] || [ -h "$1" ]; }
    _is_empty() {
        for _entry in "$1"/* "$1"/.[!.]* "$1"/..?*; do
            if _lies "$_entry"; then return 1; fi
        done
    }
    # Whether the target has a marker, of this file or of `venvbuild get`, with the line $1.
    _is_marked() {
        [ ! -h "$_target" ] && [ -f "$_target/.venvbuild.json" ] && [ ! -h "$_target/.venvbuild.json" ] || return 1
        _count=0
        while [ "$_count" -lt 20 ] && IFS= read -r _line; do
            _count=$((_count + 1))
            case $_line in *"$1"*) return 0 ;; esac
        done <"$_target/.venvbuild.json"
        return 1
    }
    # Whether the target is what this file holds.
    _is_there() { _is_marked "\"archive_sha256\": \"$_archive\""; }
    _refuse_others() {
        if [ -h "$_target" ]; then _fail 2 "$_target is a link; nothing was touched: give what it leads to by --target"; fi
        if [ -d "$_target" ] && _is_empty "$_target"; then return; fi
        if ! _lies "$_target"; then return; fi
        _is="and is not $_version"
        if _is_marked "\"venv_version\": \"$_version\""; then
            _is="and is $_version, but not of this archive"
            if _is_marked '"rebuilt": true'; then _is="$_is: get --rebuild installed it anew"; fi
        fi
        _fail 2 "$_target is there, $_is; nothing was touched: give an absent or empty folder by --target"
    }
    # As `venvbuild get` writes it, which may replace what has it.
    _marker() {
        printf '%s\n' '{' ' "made_by": "venvbuild export --for run",' " \"venv_version\": \"$_version\"," \
            " \"archive_sha256\": \"$_archive\"," ' "rebuilt": false,' ' "store": null' '}'
    }
    _clean_up() {
        if [ -z "$_building" ]; then return; fi
        if _has rm; then rm -rf -- "$_building" || :; else _say "left behind, as there is no rm here: $_building"; fi
        _building=
    }
    # Make the folder NAME in $_parent, which must be new; where there is no mkdir, by a tar of it (POSIX, ustar).
    _make_folder() { # the digits of NAME
        _name=.venvbuild-run-$1
        if _has mkdir; then
            _problems=$(mkdir -m 700 -- "$_parent/$_name" 2>&1)
            return
        fi
        if _lies "$_parent/$_name"; then return 1; fi
        _folder_tar "$1" | tar -xf - -C "$_parent/" && [ -d "$_parent/$_name" ]
    }
    _zeros() {
        _count=$1
        while [ "$_count" -gt 0 ]; do
            printf '\000'
            _count=$((_count - 1))
        done
    }
    _folder_tar() {
        _bytes=4487 # all of the header but the digits
        _rest=$1
        while [ -n "$_rest" ]; do
            _bytes=$((_bytes + 48 + ${_rest%"${_rest#?}"}))
            _rest=${_rest#?}
        done
        printf '%s' "$_name"
        _zeros $((100 - ${#_name}))
        printf '0000700\0000000000\0000000000\00000000000000\00000000000000\000%06o\000 5' "$_bytes"
        _zeros 100
        printf 'ustar\00000'
        _zeros $((247 + 1024))
    }
    _link_python() {
        if [ -n "$_own_python" ] && [ -n "$_python" ]; then _fail 2 "it brings its own Python: leave out --python"; fi
        if [ -n "$_own_python" ]; then return; fi
        if ! _said=$(sh "$1/bin/rehome" ${_python:+"$_python"} 2>&1); then
            case $_said in *"no Python $_minor"*) ;; *) _fail 7 "its Python cannot be linked: $_said" ;; esac
            if [ -n "$_python" ]; then _fail 2 "$_python is no Python $_minor that runs here"; fi
            _fail 2 "there is no Python $_minor on the PATH: install one, or name it by --python /path/to/python$_minor"
        fi
    }
    # What in the environment $1 does not fit this machine; it runs no code of a package.
    _probe() {
        "$1/bin/python" -I -S -c '
import os, sys, sysconfig
platform, abi, glibc = sys.argv[1:4]
def numbers(version):
    return [int(number) for number in version.split(".")[:2]]
here = "%s_%s" % (sys.platform, os.uname().machine)
if platform and platform != here:
    print("it is for %s, this machine is %s" % (platform, here))
own = "cp" + "".join((sysconfig.get_config_var("SOABI") or "").split("-")[1:2])
# free-threaded Pythons have a stable ABI of their own (PEP 803)
if abi and abi not in (own, "abi3t" if own.endswith("t") else "abi3"):
    print("it needs a Python with the ABI %s, and %s has %s" % (abi, os.path.realpath(sys.executable), own))
try:
    name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
except (AttributeError, ValueError, OSError):
    name = ""
if glibc and (name != "glibc" or numbers(version) < numbers(glibc)):
    print("it needs glibc %s or newer" % glibc)
for library in sys.argv[4:]:
    try:
        import ctypes
        ctypes.CDLL(library)
    except (ImportError, OSError):
        print("its Python needs the library %s, which is not here" % library)
' "$_platform" "$_abi" "$_glibc" $_libraries # words without spaces
    }
    _check_bytes() {
        for _tool in tail tar gzip; do
            if ! _has "$_tool"; then _fail 2 "there is no $_tool here, which unpacking needs"; fi
        done
        if _has sha256sum; then
            if ! _is_whole || [ "$(tail -c "+$_begin" <"$0" | sha256sum)" != "$_archive  -" ]; then
                _damaged "in its archive"
                exit 8
            fi
        else
            _say "there is no sha256sum here, so its bytes are compared by the sum of gzip only"
            tail -c "+$_begin" <"$0" | gzip -t || {
                _damaged "in its archive"
                exit 8
            }
        fi
    }
    # Give the whole environment $1 its name at once, by its own Python: it takes the place of nothing but an empty
    # folder, where mv would put it into a folder that somebody made meanwhile.
    _place() {
        "$1/bin/python" -I -S -c '
import os, sys
made, target, building = sys.argv[1:]
try:
    os.chmod(made, 0o755 | os.stat(made).st_mode & 0o2000)
    os.rename(made, target)
except OSError as error:
    sys.exit(error.strerror)
if os.path.isdir(building):
    os.rmdir(building)
' "$1" "$_target" "$_building" 2>&1
    }
    _unpack() {
        _check_bytes
        _number=0
        # A killed one may have left a folder of that name.
        while _lies "$_parent/.venvbuild-run-$$$_number"; do _number=$((_number + 1)); done
        _building=$_parent/.venvbuild-run-$$$_number # before it is there: whoever is ended then takes it along
        if ! _make_folder "$$$_number"; then
            _building=
            _why=${_problems:+ (${_problems##*: })}
            _fail 2 "no folder can be made in $_parent/$_why: give one somewhere else by --target"
        fi
        _say "unpacking $_version (Python $_minor) into $_target"
        umask 022
        # busybox leaves out links that lead up unless it is told, bsdtar fails on names that the locale does not have
        # of what is said for each file, as on a disk that is full, a few lines
        _failed=$({ { {
            tail -c "+$_begin" <"$0" | gzip -dc || echo gzip >&3
        } | EXTRACT_UNSAFE_SYMLINKS=1 LC_ALL=C.UTF-8 tar -xf - -C "$_building" || echo tar >&3; } 2>&1 |
            tail -n 3 >&2; } 3>&1)
        if [ -n "$_failed" ]; then _fail 7 "it could not be unpacked in $_parent/, as said above: make room, and run it again"; fi
        _venv=$_building$_inside
        _link_python "$_venv"
        if ! _problems=$(_probe "$_venv"); then
            _fail 2 "its Python does not start in $_parent/: it is for $_platform, and wants a disk that programs may be run from"
        fi
        if [ -n "$_problems" ]; then _fail 2 "it does not fit this machine: $_problems"; fi
        _marker >"$_venv/.venvbuild.json"
        umask "$_mask"
        if _problems=$(_place "$_venv") || _is_there; then
            if [ ! -d "$_building" ]; then _building=; fi
            return
        fi
        _refuse_others
        _fail 2 "$_target cannot be replaced ($_problems): give a folder in it by --target $(_quoted "$_target/$_env_name")"
    }
    _usage() {
        printf '%s\n' "usage: sh $_me [--target DIR] [--python PATH] [-- COMMAND [ARGUMENT ...]]" '' \
            "Unpacks the environment $_env_name ($_version, Python $_minor) into DIR, ./$_env_name unless it" \
            'is given, and starts COMMAND in it, as when it were activated. DIR must be absent or empty; when it is this' \
            'environment already, COMMAND is started at once. Without COMMAND the folder is printed.' '' \
            '  --target DIR   the folder that becomes the environment: DIR/bin/python' \
            "  --python PATH  run it on this Python $_minor, not on the first of the PATH" \
            '  --help         show this' '' \
            'Ends with what COMMAND ends with; 2: usage, a folder that is there, no such Python; 7: the disk; 8: damaged.'
    }

    _target=./$_env_name
    _python=
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help)
            _usage
            exit 0
            ;;
        --target=* | --python=*)
            _first=${1%%=*}
            _rest=${1#*=}
            shift
            set -- "$_first" "$_rest" "$@"
            continue
            ;;
        --target | --python)
            if [ $# -lt 2 ] || [ -z "$2" ]; then _fail 2 "$1 wants a path"; fi
            if [ "$1" = --target ]; then _target=$2; else _python=$2; fi
            shift 2
            ;;
        --)
            shift
            break
            ;;
        *) _fail 2 "unknown argument $(_quoted "$1"): a command stands behind --; sh $_me --help" ;;
        esac
    done

    _here=
    if _find_place . 2>/dev/null; then _here=$_place; fi
    case $_target in
    /*) ;;
    *)
        if [ -z "$_here" ]; then
            _fail 2 "the working folder is gone, perhaps as an environment took its place: cd \"\$PWD\", and run it again"
        fi
        _target=./$_target
        ;;
    esac
    while :; do
        case $_target in ?*/) _target=${_target%/} ;; *) break ;; esac
    done
    case ${_target##*/} in
    '' | . | ..)
        _find_place "$_target" || _fail 2 "there is no folder $_target"
        _target=$_place
        ;;
    esac
    _parent=${_target%/*}/
    if [ ! -d "$_parent" ] || ! _find_place "$_parent"; then
        _fail 2 "there is no folder $_parent: mkdir -p -- $(_quoted "$_parent")"
    fi
    _parent=${_place%/}
    _target=$_parent/${_target##*/}

    _mask=$(umask)
    _made=
    trap _clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if _is_there; then
        if [ -n "$_python" ]; then _link_python "$_target"; fi
    else
        _refuse_others
        _unpack
        _made=yes
    fi
    _clean_up
    trap - EXIT HUP INT TERM
    if [ "$_here" = "$_target" ]; then
        cd -- "$_target" # the folder that was there is gone
        if [ -n "$_made" ]; then _say "the working folder was replaced: a shell that stands there wants cd \"\$PWD\""; fi
    fi
    if [ ! -x "$_target/bin/python" ]; then
        _fail 2 "the Python of $_target is gone: name another one by --python /path/to/python$_minor"
    fi

    if [ $# -eq 0 ]; then
        printf '%s\n' "$_target"
        exit 0
    fi
    VIRTUAL_ENV=$_target
    PATH=$_target/bin${PATH:+:$PATH}
    export VIRTUAL_ENV PATH
    unset PYTHONHOME
    _program=$1
    case $_program in
    */*) ;;
    # in a folder with a colon nothing is found by the PATH
    *) if [ -x "$_target/bin/$_program" ]; then _program=$_target/bin/$_program; fi ;;
    esac
    case $_program in -*) _fail 127 "there is no command $(_quoted "$_program")" ;; esac
    shift
    exec "$_program" "$@"
}
