"""Owns completion scripts for bash, zsh and fish, made from the tables of verbs and grants."""

from __future__ import annotations

from wherever.cli.verbs import GLOBAL, VERBS, Verb
from wherever.policy import Malformed
from wherever.policy.grammar import FLAGS

__all__ = ["main", "script"]

# flags whose value is a path
_PATHS = frozenset(("dir", "manifest", "audit", "output"))
_CHOICES = {"clock": ("real", "coarse", "fixed:"), "random": ("real", "seed:")}


def main(words: list[str]) -> int:
    """`wherever completion SHELL`."""
    if len(words) != 1 or words[0] not in ("bash", "zsh", "fish"):
        raise Malformed("for which shell? wherever completion bash, zsh or fish")
    print(script(words[0]), end="")
    return 0


def script(shell: str) -> str:
    """The script for one shell."""
    return _fish() if shell == "fish" else _ZSH_HEAD + _bash() if shell == "zsh" else _bash()


_ZSH_HEAD = "autoload -U +X bashcompinit && bashcompinit\n"


def flags_of(verb: Verb) -> list[tuple[str, str, str]]:
    """Every flag of a verb: name, value's placeholder, help."""
    found = [(option.name, option.value, option.help) for option in (*verb.options, *GLOBAL)]
    if verb.takes_grants:
        found = [(flag.name, flag.value, flag.help) for flag in FLAGS] + found
    return found


def _bash() -> str:
    """Bash's; zsh runs it through bashcompinit."""
    cases: list[str] = []
    for verb in VERBS:
        flags = flags_of(verb)
        cases.append(f"    {verb.name}) flags='{' '.join(f'--{name}' for name, _, _ in flags)}'")
        taking = [f"--{name}" for name, value, _ in flags if value]
        cases.append(f"      taking=' {' '.join(taking)} '; words='{' '.join(verb.words)}' ;;")
    values = "\n".join(
        f"    --{name}) COMPREPLY=($(compgen -W '{' '.join(choices)}' -- \"$current\")); return ;;"
        for name, choices in _CHOICES.items()
    )
    paths = "|".join(f"--{name}" for name in sorted(_PATHS))
    return f"""\
_wherever_files() {{
  local IFS=$'\\n'  # a name with spaces is one name
  COMPREPLY=($(compgen -f -- "$1"))
}}
_wherever() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  local verb="${{COMP_WORDS[1]}}" flags taking words i
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{" ".join(verb.name for verb in VERBS)}' -- "$current"))
    return
  fi
  case "$verb" in
{chr(10).join(cases)}
    *) return ;;
  esac
  if [ "$verb" = help ]; then
    COMPREPLY=($(compgen -W '{" ".join(verb.name for verb in VERBS)}' -- "$current"))
    return
  fi
  case "$before" in
{values}
    {paths}) _wherever_files "$current"; return ;;
    --*) case "$taking" in *" $before "*) return ;; esac ;;
  esac
  for ((i = 2; i < COMP_CWORD; i++)); do
    case "${{COMP_WORDS[i]}}" in
      --*) case "$taking" in *" ${{COMP_WORDS[i]}} "*) i=$((i + 1)) ;; esac ;;
      *) _wherever_files "$current"; return ;;
    esac
  done
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) if [ -n "$words" ]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
       else _wherever_files "$current"; fi ;;
  esac
}}
complete -o filenames -F _wherever wherever
"""


def _fish() -> str:
    names = " ".join(verb.name for verb in VERBS)
    lines = [
        f"complete -c wherever -n 'not __fish_seen_subcommand_from {names}' -f",
    ]
    for verb in VERBS:
        unseen = f"'not __fish_seen_subcommand_from {names}'"
        lines.append(f"complete -c wherever -n {unseen} -a {verb.name} -d {_quoted(verb.summary)}")
    for verb in VERBS:
        seen = f"'__fish_seen_subcommand_from {verb.name}'"
        for name, value, about in flags_of(verb):
            needs = "" if not value else " -r" if name in _PATHS else " -x"
            choices = f" -a {_quoted(' '.join(_CHOICES[name]))}" if name in _CHOICES else ""
            lines.append(
                f"complete -c wherever -n {seen} -l {name}{needs}{choices} -d {_quoted(about)}"
            )
        if verb.words:
            lines.append(f"complete -c wherever -n {seen} -f -a '{' '.join(verb.words)}'")
    lines.append(f"complete -c wherever -n '__fish_seen_subcommand_from help' -f -a '{names}'")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
