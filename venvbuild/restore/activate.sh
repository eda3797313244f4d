# Activates this environment in a POSIX shell such as dash:  . bin/activate.sh
# Written by `venvbuild get` for the folder that it restored into.
# It knows that folder only, so the file being read must be the one there: shells keep it open, and bash and ksh know its name.
_VENVBUILD_HERE=
if [ -d /dev/fd ]; then
    for _VENVBUILD_FILE in "${BASH_SOURCE-}" "$( (eval 'printf %s "${.sh.file}"') 2>/dev/null)" /dev/fd/*; do
        if [ "$_VENVBUILD_FILE" -ef @PATH@/bin/activate.sh ]; then _VENVBUILD_HERE=yes; fi
    done
    unset _VENVBUILD_FILE
elif [ -f @PATH@/bin/activate.sh ]; then
    _VENVBUILD_HERE=yes
fi
if [ -z "$_VENVBUILD_HERE" ]; then
    unset _VENVBUILD_HERE
    printf '%s\n' 'activate.sh: nothing was activated: this environment was moved or copied, and the script is for' @PATH@ \
        'fix: call its programs by their path, bin/NAME; or in bash and zsh . bin/activate; or venvbuild get it anew' >&2
    return 1 2>/dev/null || exit 1
fi
unset _VENVBUILD_HERE
deactivate() {
    if [ -n "${_OLD_VIRTUAL_PATH+set}" ]; then PATH=$_OLD_VIRTUAL_PATH; export PATH; unset _OLD_VIRTUAL_PATH; fi
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME+set}" ]; then
        PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME; export PYTHONHOME; unset _OLD_VIRTUAL_PYTHONHOME
    fi
    if [ -n "${_OLD_VIRTUAL_PS1+set}" ]; then PS1=$_OLD_VIRTUAL_PS1; unset _OLD_VIRTUAL_PS1; fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    if [ "${1:-}" != nondestructive ]; then unset -f deactivate; fi
    hash -r 2>/dev/null || :
}
deactivate nondestructive
VIRTUAL_ENV=@PATH@
VIRTUAL_ENV_PROMPT=@NAME@
export VIRTUAL_ENV VIRTUAL_ENV_PROMPT
_OLD_VIRTUAL_PATH=${PATH-}
PATH=$VIRTUAL_ENV/bin:${PATH-}
export PATH
if [ -n "${PYTHONHOME+set}" ]; then _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME; unset PYTHONHOME; fi
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ] && [ -n "${PS1+set}" ]; then
    _OLD_VIRTUAL_PS1=$PS1
    PS1="($VIRTUAL_ENV_PROMPT) $PS1"
fi
hash -r 2>/dev/null || :
