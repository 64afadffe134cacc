# Completion of fish for the four programs, which know their own words.
function __mereau_words
    set -l all (commandline -opc)
    # In quotes: an empty word is a word too.
    set -l word (commandline -ct)
    set -l line (string join ' ' -- $all[2..-1] "$word")
    set -l found ($all[1] --complete "$line" 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path "$word"
    end
end
for program in mereau mereau-admin mereau-audit mereaud
    complete -c $program -f -a '(__mereau_words)'
end
