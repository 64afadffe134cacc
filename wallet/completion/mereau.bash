# Completion of bash for the four programs, which know their own words.
# shellcheck shell=bash
_mereau() {
    local line="${COMP_LINE:0:COMP_POINT}" word
    local program="${COMP_WORDS[0]}"
    line="${line#*"$program"}"
    line="${line#"${line%%[! ]*}"}"
    word="${line##* }"
    # What stands before a '=' or ':' is a word of its own to bash.
    local cut="${word%"${word##*[=:]}"}" full
    COMPREPLY=()
    while IFS=$'\t' read -r full _; do
        COMPREPLY+=("${full#"$cut"}")
    done < <("$program" --complete "$line" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        compopt -o default 2>/dev/null
    fi
}
complete -F _mereau mereau mereau-admin mereau-audit mereaud
