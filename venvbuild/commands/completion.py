"""`venvbuild completion`: what a shell reads, so that TAB completes."""

from __future__ import annotations

import click

from venvbuild.console import completion, options, output


@click.command("completion", short_help='Let TAB complete commands and options: eval "$(venvbuild completion bash)"')
@click.argument("shell", type=click.Choice(list(completion.SCRIPTS)))
@options.as_json
def command(shell: str, as_json: bool) -> None:
    """Print the script by which SHELL completes commands and options; it is to be read when a shell starts.

    \b
    ~/.bashrc                    eval "$(venvbuild completion bash)"
    ~/.zshrc, after compinit     eval "$(venvbuild completion zsh)"
    ~/.config/fish/config.fish   venvbuild completion fish | source

    It asks the program that stands in the line: an installed venvbuild, or bin/venvbuild of a checkout.
    """
    script = completion.SCRIPTS[shell]
    if as_json:
        output.print_json({"shell": shell, "script": script})
    else:
        output.print_text(script.removesuffix("\n"))
