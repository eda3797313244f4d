# Activates this environment in csh and tcsh:  source bin/activate.csh
# Written by `venvbuild get` for the folder that it restored into.
# It knows that folder only, so the file being read must be the one there: csh keeps it open. sh says it, as csh -e ends.
set _venvbuild_path = @PATH@
if ({ /bin/sh -c 'for file in /proc/$PPID/fd/* /proc/$2/fd/*; do if [ "$file" -ef "$1" ]; then exit 0; fi; done; if [ -d /proc/$2/fd ] || [ ! -f "$1" ]; then printf "%s\n" "activate.csh: nothing was activated: this environment was moved or copied, and the script is for" "$0" "fix: call its programs by their path, bin/NAME; or in bash and zsh . bin/activate; or venvbuild get it anew" >&2; exit 1; fi' "$_venvbuild_path:q" "$_venvbuild_path:q/bin/activate.csh" $$ }) then
    if ($?_OLD_VIRTUAL_PATH) then
        setenv PATH "$_OLD_VIRTUAL_PATH:q"
    endif
    if ($?_OLD_VIRTUAL_PROMPT) then
        set prompt = "$_OLD_VIRTUAL_PROMPT:q"
        unset _OLD_VIRTUAL_PROMPT
    endif
    setenv VIRTUAL_ENV "$_venvbuild_path:q"
    setenv VIRTUAL_ENV_PROMPT @NAME@
    set _OLD_VIRTUAL_PATH = "$PATH:q"
    setenv PATH "$VIRTUAL_ENV:q/bin:$PATH:q"
    alias deactivate 'setenv PATH "$_OLD_VIRTUAL_PATH:q"; unset _OLD_VIRTUAL_PATH; rehash; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; unalias deactivate'
    if ($?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT) then
        set _OLD_VIRTUAL_PROMPT = "$prompt:q"
        set prompt = "($VIRTUAL_ENV_PROMPT:q) $prompt:q"
        alias deactivate 'set prompt = "$_OLD_VIRTUAL_PROMPT:q"; unset _OLD_VIRTUAL_PROMPT; setenv PATH "$_OLD_VIRTUAL_PATH:q"; unset _OLD_VIRTUAL_PATH; rehash; unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; unalias deactivate'
    endif
    rehash
endif
unset _venvbuild_path
