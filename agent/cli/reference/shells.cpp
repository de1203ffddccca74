// SPDX-License-Identifier: Apache-2.0
// What `mete complete` prints, one line each: WORD, a tab, help; ":files" and ":folders", which the shell lists itself.
#include "agent/cli/reference/completion.h"

namespace mete::agent::cli {
namespace {

constexpr std::string_view kBash =
    R"script(# bash completion of @NAME@. It asks `mete complete` what fits. Made by `mete completion bash`.
@FUNCTION@() {
    local rest=${COMP_LINE:0:COMP_POINT} word trimmed cut="" line i
    local -a words=() lines=()
    # COMP_WORDS is cut at "=" and ":" as well. What no blank divides is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        word=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || word=$trimmed
        if ((i > 0)) && [[ $trimmed == "$rest" ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
    done
    word=${words[-1]}
    # readline puts its choice where the last part of COMP_WORDS begins.
    [[ $word != *=* || $COMP_WORDBREAKS != *=* ]] || cut=${word%"${word##*=}"}
    [[ $word != *:* || $COMP_WORDBREAKS != *:* ]] || cut=${word%"${word##*:}"}
    mapfile -t lines < <(mete complete -- @NAME@ "${words[@]:1}" 2>/dev/null)
    COMPREPLY=()
    for line in "${lines[@]}"; do
        case $line in
            :files | :folders)
                compopt -o filenames 2>/dev/null
                local kind=-f
                [[ $line == :files ]] || kind=-d
                while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $kind -- "${word#"$cut"}")
                ;;
            *)
                line=${line%%$'\t'*}
                COMPREPLY+=("${line#"$cut"}")
                ;;
        esac
    done
}
complete -F @FUNCTION@ @NAME@
)script";

constexpr std::string_view kZsh = R"script(#compdef @NAME@
# zsh completion of @NAME@. It asks `mete complete` what fits. Made by `mete completion zsh`.
@FUNCTION@() {
    local line
    local -a lines found
    lines=("${(@f)$(mete complete -- @NAME@ "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in $lines; do
        case $line in
            :files) compset -P '--*='; _files ;;
            :folders) compset -P '--*='; _files -/ ;;
            *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
        esac
    done
    (( ! $#found )) || _describe @NAME@ found
}
if [[ $funcstack[1] == @FUNCTION@ ]]; then
    @FUNCTION@ "$@"
else
    compdef @FUNCTION@ @NAME@
fi
)script";

constexpr std::string_view kFish =
    R"script(# fish completion of @NAME@. It asks `mete complete` what fits. Made by `mete completion fish`.
function _@FUNCTION@
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (mete complete -- @NAME@ $words[2..] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current")
            case :folders
                __fish_complete_directories (string replace -r -- '^--[^=]*=' '' "$current")
            case '*'
                echo $line
        end
    end
end
complete -c @NAME@ -f -a '(_@FUNCTION@)'
)script";

std::string replaced(std::string_view text, std::string_view mark, const std::string& by) {
  std::string out;
  for (auto at = text.find(mark); at != std::string_view::npos; at = text.find(mark)) {
    out.append(text.substr(0, at)).append(by);
    text.remove_prefix(at + mark.size());
  }
  return out.append(text);
}

}  // namespace

std::string completion_script(std::string_view shell, std::string_view name) {
  const std::string_view text = shell == "bash" ? kBash : shell == "zsh" ? kZsh : shell == "fish" ? kFish : "";
  std::string function = "_" + std::string(name);
  for (char& c : function) c = c == '-' ? '_' : c;
  return replaced(replaced(text, "@FUNCTION@", function), "@NAME@", std::string(name));
}

}  // namespace mete::agent::cli
