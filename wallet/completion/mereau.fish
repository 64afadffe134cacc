# Completion of fish for mereau, mereau-admin and mereau-audit: the programs know their own words.
function __mereau_words
    set -l all (commandline -opc)
    set -l line (string join ' ' -- $all[2..-1] (commandline -ct))
    $all[1] --complete "$line" 2>/dev/null
end
for program in mereau mereau-admin mereau-audit
    complete -c $program -a '(__mereau_words)'
end
