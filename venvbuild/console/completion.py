"""What a shell asks when somebody presses TAB: click's answers, and scripts that ask the program that was called.

click's own scripts for zsh and fish ask the `venvbuild` of the PATH, and here it may be `bin/venvbuild` of a checkout.
These ask the word that stands in front, and keep the terminal clean whatever becomes of it. The lines that answer them
are click's: its types are `plain`, `dir` and `file`.
"""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

VARIABLE = "_VENVBUILD_COMPLETE"
"""Set by the scripts: `bash_complete` and so on; bootstrap.py knows it too, and sets nothing up then."""
_PROGRAM = "venvbuild"

# `complete` finds it for every path that ends so. Only the shell knows what ~ is.
_BASH = """\
_venvbuild_completion() {
    local IFS=$'\\n' response answer type value
    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _VENVBUILD_COMPLETE=bash_complete \\
        "${1/#\\~\\//$HOME/}" 2>/dev/null)
    COMPREPLY=()
    for answer in $response; do
        IFS=',' read -r type value <<< "$answer"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done
}
complete -o nosort -F _venvbuild_completion venvbuild
"""
_ZSH = """\
#compdef venvbuild
_venvbuild_completion() {
    local -a names described response
    local type key description
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) _VENVBUILD_COMPLETE=zsh_complete \\
        "${words[1]/#\\~\\//$HOME/}" 2>/dev/null)}")
    for type key description in ${response}; do
        case $type in
            plain)
                if [[ $description == _ ]]; then names+=("$key"); else described+=("$key:$description"); fi ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#names )) && compadd -U -V unsorted -a names
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _venvbuild_completion "$@"  # it is a file of fpath
else
    compdef _venvbuild_completion venvbuild
fi
"""
_FISH = """\
function _venvbuild_completion
    set -l program (commandline -opc)[1]
    set -l response (env _VENVBUILD_COMPLETE=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \\
        (string replace -r '^~/' "$HOME/" -- $program) 2>/dev/null)
    for answer in $response
        set -l parts (string split -m 1 , -- $answer)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command venvbuild --arguments "(_venvbuild_completion)"
"""


SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""Shell -> what it is to read, so that TAB completes commands and options."""
_ANSWERING: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


def answer(cli: click.Command, instruction: str) -> int:
    """Print what could stand at the cursor, as the scripts ask for it: `instruction` is what `VARIABLE` has.

    The exit code; where there is no answer it is 1, without a word: somebody is typing.
    """
    shell, _, asked = instruction.partition("_")
    if shell not in _ANSWERING or asked != "complete":
        return 1
    try:
        # From the shell's variables, which somebody's own call may lack.
        click.echo(_ANSWERING[shell](cli, {}, _PROGRAM, VARIABLE).complete())
    except Exception:  # noqa: BLE001  # a bug too would stand in the middle of what is being typed
        return 1
    return 0
