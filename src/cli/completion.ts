/** `tickwise completion`: what a shell needs to know to complete a command line, made from the commands themselves. */
import type { Command, Option } from 'commander';

/** The shells that are known. */
export const SHELLS: readonly ['bash', 'zsh', 'fish'] = ['bash', 'zsh', 'fish'] as const;
/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** A command as a shell completes it. */
interface Entry {
  /** Its words, e.g. `token new`. */
  readonly path: string;
  readonly description: string;
  readonly options: readonly OptionEntry[];
  /** What its first argument is: a job, a file, or one of some words. */
  readonly argument: 'job' | 'file' | readonly string[] | undefined;
}

interface OptionEntry {
  readonly flags: readonly string[];
  readonly description: string;
  /** What follows the option; `undefined`: nothing does. */
  readonly value: 'job' | 'file' | 'text' | readonly string[] | undefined;
}

/**
 * Writes the script for a shell. Job names are asked for when they are completed.
 *
 * @param program all commands
 * @param shell one of {@link SHELLS}
 * @returns the script, to be loaded by the shell
 */
export function completion(program: Command, shell: Shell): string {
  const entries = entriesOf(program, '');
  const name = program.name();
  switch (shell) {
    case 'bash':
      return bash(name, entries);
    case 'zsh':
      return zsh(name, entries);
    case 'fish':
      return fish(name, entries);
    default:
      return shell satisfies never;
  }
}

function entriesOf(parent: Command, path: string): Entry[] {
  const children = parent.commands.map((child) => child.name());
  const [argument] = parent.registeredArguments;
  const own: Entry = {
    path,
    description: parent.description(),
    options: [...parent.options.filter((option) => !option.hidden).map(optionOf), HELP],
    argument: children.length > 0 ? children : (argument?.argChoices ?? kindOf(argument?.name() ?? '')),
  };
  return [own, ...parent.commands.flatMap((child) => entriesOf(child, `${path} ${child.name()}`.trim()))];
}

const HELP: OptionEntry = { flags: ['-h', '--help'], description: 'show help', value: undefined };

function optionOf(option: Option): OptionEntry {
  const value = /[<[]([\w-]+)/.exec(option.flags)?.[1];
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    value: value === undefined ? undefined : (option.argChoices ?? kindOf(value) ?? 'text'),
  };
}

function kindOf(name: string): 'job' | 'file' | undefined {
  if (name === 'job' || name === 'run-or-job') return 'job';
  return name === 'file' ? 'file' : undefined;
}

/** Words that are looked up in the script by the words of the command before them. */
function bash(name: string, entries: readonly Entry[]): string {
  const cases = entries.map(
    ({ path, options, argument }) =>
      `    ${quote(path)}) flags=${quote(options.flatMap(({ flags }) => flags).join(' '))}; kind=${quote(kindText(argument))} ;;`,
  );
  return `# Completion of ${name} for bash: source <(${name} completion bash)
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path='' flags='' kind='' word skip='' i
  local -a where=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $skip ]]; then
      [[ $skip == --config || $skip == --url || $skip == --token-file ]] && where+=("$skip" "$word")
      skip=''
      continue
    fi
    case "$word" in
      ${valueFlags(entries).join('|')}) skip=$word ;;
      -*) ;;
      *) case "\${path:+$path }$word" in
        ${entries.flatMap(({ path }) => (path === '' ? [] : [quote(path)])).join('|')}) path=\${path:+$path }$word ;;
      esac ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$prev" in
${valueCases(entries)}
  esac
  [[ $cur == -* ]] && kind="words $flags"
  COMPREPLY=()
  case "$kind" in
    job) COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" list --names "\${where[@]}" 2>/dev/null)" -- "$cur")) ;;
    file) local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    words*) COMPREPLY=($(compgen -W "\${kind#words}" -- "$cur")) ;;
  esac
  return 0
}
complete -F _${name} ${name}
`;
}

/** What follows an option is the same wherever that option is known. */
function valueCases(entries: readonly Entry[]): string {
  const options = entries.flatMap((entry) => entry.options).filter((option) => option.value !== undefined);
  const unique = new Map(options.map((option) => [option.flags.join('|'), option]));
  return [...unique].map(([flags, { value }]) => `    ${flags}) kind=${quote(kindText(value))}; flags='' ;;`).join('\n');
}

function valueFlags(entries: readonly Entry[]): string[] {
  return [
    ...new Set(
      entries.flatMap(({ options }) => options.filter(({ value }) => value !== undefined).flatMap(({ flags }) => flags)),
    ),
  ];
}

function kindText(kind: Entry['argument'] | 'text'): string {
  if (typeof kind === 'object') return `words ${kind.join(' ')}`;
  return kind ?? 'nothing';
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** zsh speaks bash's own protocol of completion well enough, so there is one script to be right. */
function zsh(name: string, entries: readonly Entry[]): string {
  const cases = entries.map(({ path, options, argument }) => {
    const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.description)));
    return `    ${quote(path)}) flags=(${flags.join(' ')}); kind=${quote(kindText(argument))} ;;`;
  });
  const commands = entries.filter(({ path }) => path !== '' && !path.includes(' '));
  return `#compdef ${name}
# Completion of ${name} for zsh: ${name} completion zsh > "\${fpath[1]}/_${name}", or source <(${name} completion zsh)
_${name}() {
  local cur=\${words[CURRENT]} prev=\${words[CURRENT - 1]} path_='' kind='' word skip='' i
  local -a where flags names
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
    if [[ -n $skip ]]; then
      [[ $skip == --config || $skip == --url || $skip == --token-file ]] && where+=("$skip" "\${(Q)word}")
      skip=''
      continue
    fi
    case "$word" in
      ${valueFlags(entries).join('|')}) skip=$word ;;
      -*) ;;
      *) case "\${path_:+$path_ }$word" in
        ${entries.flatMap(({ path }) => (path === '' ? [] : [quote(path)])).join('|')}) path_="\${path_:+$path_ }$word" ;;
      esac ;;
    esac
  done
  case "$path_" in
${cases.join('\n')}
  esac
  case "$prev" in
${valueCases(entries).replaceAll("; flags=''", '; flags=()')}
  esac
  if [[ $cur == -* ]]; then
    _describe option flags
    return
  fi
  case "$kind" in
    job) names=(\${(f)"$("\${words[1]}" list --names "\${where[@]}" 2>/dev/null)"}); compadd -a names ;;
    file) _files ;;
    words*)
      if [[ -z $path_ && $prev != -* ]]; then
        names=(${commands.map(({ path, description }) => described(path, description)).join(' ')})
        _describe command names
      else
        names=(\${=kind#words}); compadd -a names
      fi ;;
  esac
}
if [[ $funcstack[1] == _${name} ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function described(word: string, description: string): string {
  return quote(`${word}:${description.replaceAll(':', '\\:')}`);
}

function fish(name: string, entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ path, options, argument }) => {
    const words = path === '' ? [] : path.split(' ');
    const children = entries.filter((entry) => entry.path !== '' && entry.path.split(' ').slice(0, -1).join(' ') === path);
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
    const isOpen =
      children.length === 0
        ? ''
        : path === ''
          ? '__fish_use_subcommand'
          : `not __fish_seen_subcommand_from ${children.map((child) => lastWord(child)).join(' ')}`;
    const here = [seen, isOpen].filter((part) => part !== '').join('; and ');
    const of = `complete -c ${name} -n ${quote(here === '' ? 'true' : here)}`;
    const own = children.map((child) => `${of} -a ${lastWord(child)} -d ${quote(child.description)}`);
    if (children.length === 0) own.push(...fishArgument(of, argument, name));
    return [...own, ...options.map((option) => `${of} ${fishOption(option)}`)];
  });
  return `# Completion of ${name} for fish: ${name} completion fish | source
complete -c ${name} -f
${lines.join('\n')}
`;
}

function lastWord({ path }: Entry): string {
  return path.slice(path.lastIndexOf(' ') + 1);
}

function fishArgument(of: string, kind: Entry['argument'], name: string): string[] {
  if (kind === undefined) return [];
  if (kind === 'job') return [`${of} -a ${quote(`(${name} list --names 2>/dev/null)`)} -d job`];
  return [kind === 'file' ? `${of} -F` : `${of} -a ${quote(kind.join(' '))}`];
}

function fishOption({ flags, description, value }: OptionEntry): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  const takes = value === undefined ? '' : value === 'file' ? ' -rF' : ' -x';
  return `${names.join(' ')}${takes}${typeof value === 'object' ? ` -a ${quote(value.join(' '))}` : ''} -d ${quote(description)}`;
}
