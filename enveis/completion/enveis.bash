# Completes `enveis` in bash. Made by `make completion` from the arguments of the commands; do not edit.

_enveis_is_lone() {
    case "$1" in
        demo|run) return 0 ;;
        *) return 1 ;;
    esac
}

# What an option takes: sets `kind`, `words` and `many`.
_enveis_option() {
    kind='' words='' many=''
    case "$1 $2" in
        *' --home' | \
        'demo --keep' | \
        'desk open --to' | \
        'desk bundle --to' | \
        'keys split --to' | \
        'receipt new --to') kind=folder ;;
        'run --listen' | \
        'gateway init --name' | \
        'gateway serve --listen' | \
        'gateway accept-bundle --min-serial' | \
        'transfer export --device' | \
        'transfer reexport --device' | \
        'transfer import --device' | \
        'transfer discard --sentence' | \
        'desk pair --replaces' | \
        'desk grant --files-max' | \
        'desk grant --file-max' | \
        'desk grant --days' | \
        'desk counters --received' | \
        'desk counters --bodies' | \
        'desk counters --officials' | \
        'desk bundle --days' | \
        'desk bundle --also' | \
        'desk challenge --verifier' | \
        'desk challenge --purpose' | \
        'desk verify-proof --packet' | \
        'quarantine inspect --budget' | \
        'audit show --day' | \
        'audit show --since' | \
        'audit show --until' | \
        'audit show --event' | \
        'audit show --packet' | \
        'keys split --number' | \
        'keys split --needed' | \
        'keys split --of' | \
        'keys split --group' | \
        'keys split --groups-needed' | \
        'keys paper --number') kind=text ;;
        'gateway init --recipients' | \
        'gateway init --desk-key' | \
        'gateway init --continues' | \
        'transfer import --answers' | \
        'transfer import --passphrase-file' | \
        'transfer import --share' | \
        'transfer import --shares-passphrase-file' | \
        'transfer acknowledge --answers' | \
        'desk init --backup' | \
        'desk init --passphrase-file' | \
        'desk head --to' | \
        'desk recipients --backup' | \
        'desk recipients --passphrase-file' | \
        'desk inbox --passphrase-file' | \
        'desk inbox --share' | \
        'desk inbox --shares-passphrase-file' | \
        'desk open --passphrase-file' | \
        'desk open --share' | \
        'desk open --shares-passphrase-file' | \
        'desk reply --passphrase-file' | \
        'desk reply --share' | \
        'desk reply --shares-passphrase-file' | \
        'desk reply --text-file' | \
        'desk grant --passphrase-file' | \
        'desk grant --share' | \
        'desk grant --shares-passphrase-file' | \
        'desk bundle --qr' | \
        'desk challenge --passphrase-file' | \
        'desk challenge --share' | \
        'desk challenge --shares-passphrase-file' | \
        'desk challenge --to' | \
        'desk verify-proof --challenge' | \
        'desk verify-proof --passphrase-file' | \
        'desk verify-proof --share' | \
        'desk verify-proof --shares-passphrase-file' | \
        'quarantine inspect --socket' | \
        'audit verify --key' | \
        'keys split --identity' | \
        'keys split --passphrase-file' | \
        'keys split --shares-passphrase-file' | \
        'keys combine --to' | \
        'keys combine --recipients' | \
        'keys combine --share' | \
        'keys combine --shares-passphrase-file' | \
        'keys combine --passphrase-file' | \
        'keys paper --to' | \
        'keys paper --identity' | \
        'keys paper --passphrase-file' | \
        'keys paper --share' | \
        'keys rehearse --passphrase-file' | \
        'keys rehearse --share' | \
        'keys rehearse --shares-passphrase-file' | \
        'keys rehearse --backup' | \
        'receipt prove --to') kind=file ;;
        'gateway init --country') kind=choice words='no dk' ;;
        'gateway init --profile') kind=choice words='journalists company public-body police ombudsman' ;;
        'transfer export --lane') kind=choice words='clear held' ;;
        'transfer acknowledge --missing') kind=text many=yes ;;
        'transfer receive --role') kind=choice words='network decode commit' ;;
        'desk recipients --kind') kind=choice words='hybrid classic' ;;
        'desk reply --state') kind=choice words='received in-work question answered referred closed' ;;
        'audit verify --heads' | \
        'audit verify --batch') kind=file many=yes ;;
        'receipt new --language') kind=choice words='nb nn da en' ;;
    esac
}

# What stands at a place after the command.
_enveis_operand() {
    kind='' words='' many=''
    case "$1 $2" in
        ' 0') kind=choice words='demo run gateway transfer desk quarantine audit keys receipt completion' ;;
        'gateway 0') kind=choice words='init serve check recipients desk-key rekey accept-bundle' ;;
        'transfer 0') kind=choice words='export reexport import acknowledge discard send receive resend status' ;;
        'desk 0') kind=choice words='init pair gateways distrust head recipients rekey inbox open erase close reply grant counters bundle challenge verify-proof' ;;
        'quarantine 0') kind=choice words='inspect' ;;
        'audit 0') kind=choice words='verify show rotate recover' ;;
        'keys 0') kind=choice words='show split combine paper rehearse' ;;
        'receipt 0') kind=choice words='new prove' ;;
        'completion 0') kind=choice words='bash zsh' ;;
        'gateway recipients 0' | \
        'gateway desk-key 0' | \
        'gateway rekey 0' | \
        'gateway accept-bundle 0' | \
        'desk pair 0' | \
        'desk verify-proof 0' | \
        'audit verify 0' | \
        'audit show 0' | \
        'receipt prove 0') kind=file ;;
        'transfer export 0' | \
        'transfer import 0') kind=folder ;;
        'transfer reexport '*) kind=folder many=yes ;;
        'transfer acknowledge '* | \
        'transfer discard '* | \
        'transfer resend '* | \
        'desk close '*) kind=text many=yes ;;
        'desk distrust 0' | \
        'desk head 0' | \
        'desk open 0' | \
        'desk erase 0' | \
        'desk reply 0' | \
        'desk grant 0' | \
        'desk bundle 0' | \
        'desk challenge 0') kind=text ;;
        'quarantine inspect '*) kind=file many=yes ;;
    esac
}

# All options of a command; of a station, those that every command has.
_enveis_options() {
    case "$1" in
        '') words='-h --help --home --json --version' ;;
        'demo') words='-h --help --home --json --keep' ;;
        'run') words='-h --help --home --json --listen --stick' ;;
        'gateway init') words='-h --help --home --json --recipients --desk-key --continues --name --country --profile --accept-clock' ;;
        'gateway serve') words='-h --help --home --json --listen' ;;
        'gateway check') words='-h --help --home --json --before-opening' ;;
        'gateway recipients') words='-h --help --home --json --yes' ;;
        'gateway desk-key') words='-h --help --home --json --yes' ;;
        'gateway rekey') words='-h --help --home --json --log-lost --yes --accept-clock' ;;
        'gateway accept-bundle') words='-h --help --home --json --min-serial --yes --accept-clock' ;;
        'transfer export') words='-h --help --home --json --lane --own-disk --yes --device --accept-clock' ;;
        'transfer reexport') words='-h --help --home --json --overdue --own-disk --yes --device' ;;
        'transfer import') words='-h --help --home --json --answers --device --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file --accept-clock' ;;
        'transfer acknowledge') words='-h --help --home --json --missing --answers' ;;
        'transfer discard') words='-h --help --home --json --all --sentence --accept-clock' ;;
        'transfer send') words='-h --help --home --json --write-settings --accept-clock' ;;
        'transfer receive') words='-h --help --home --json --write-settings --role' ;;
        'transfer resend') words='-h --help --home --json' ;;
        'transfer status') words='-h --help --home --json' ;;
        'desk init') words='-h --help --home --json --classic --backup --passphrase --passphrase-file --weak-passphrase --accept-clock' ;;
        'desk pair') words='-h --help --home --json --replaces --yes --accept-clock' ;;
        'desk gateways') words='-h --help --home --json' ;;
        'desk distrust') words='-h --help --home --json --yes' ;;
        'desk head') words='-h --help --home --json --to --accept-clock' ;;
        'desk recipients') words='-h --help --home --json --new --sign --kind --backup --passphrase --passphrase-file --weak-passphrase --accept-clock' ;;
        'desk rekey') words='-h --help --home --json --yes --accept-clock' ;;
        'desk inbox') words='-h --help --home --json --sort --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file' ;;
        'desk open') words='-h --help --home --json --to --held --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file' ;;
        'desk erase') words='-h --help --home --json --yes' ;;
        'desk close') words='-h --help --home --json --all' ;;
        'desk reply') words='-h --help --home --json --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file --text-file --state --yes --accept-clock' ;;
        'desk grant') words='-h --help --home --json --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file --files-max --file-max --days --tables --accept-clock' ;;
        'desk counters') words='-h --help --home --json --received --bodies --officials' ;;
        'desk bundle') words='-h --help --home --json --to --qr --days --also --yes --accept-clock' ;;
        'desk challenge') words='-h --help --home --json --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file --verifier --purpose --to --accept-clock' ;;
        'desk verify-proof') words='-h --help --home --json --packet --challenge --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file' ;;
        'quarantine inspect') words='-h --help --home --json --socket --budget' ;;
        'audit verify') words='-h --help --home --json --key --heads --batch' ;;
        'audit show') words='-h --help --home --json --day --since --until --event --packet' ;;
        'audit rotate') words='-h --help --home --json' ;;
        'audit recover') words='-h --help --home --json --yes' ;;
        'keys show') words='-h --help --home --json' ;;
        'keys split') words='-h --help --home --json --identity --number --passphrase-file --needed --of --group --groups-needed --to --shares-passphrase --shares-passphrase-file --weak-passphrase' ;;
        'keys combine') words='-h --help --home --json --to --recipients --shares --share --shares-passphrase --shares-passphrase-file --passphrase --passphrase-file --weak-passphrase' ;;
        'keys paper') words='-h --help --home --json --to --identity --number --passphrase-file --share' ;;
        'keys rehearse') words='-h --help --home --json --passphrase-file --shares --share --shares-passphrase --shares-passphrase-file --backup' ;;
        'receipt new') words='-h --help --home --json --classic --language --to --qr' ;;
        'receipt prove') words='-h --help --home --json --to --yes' ;;
        'completion bash') words='-h --help --home --json' ;;
        'completion zsh') words='-h --help --home --json' ;;
        *) words='-h --help --home --json' ;;
    esac
}

_enveis() {
    local current=${COMP_WORDS[COMP_CWORD]} station='' call='' operands=0 option='' awaited='' many='' kind words word i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == '=' ]]; then
            continue  # bash splits --lane=clear into three words
        elif [[ -n $awaited && $word != -* ]]; then
            [[ -n $many ]] || awaited=''
        elif [[ $word == -* ]]; then
            option=$word
            _enveis_option "$call" "$option"
            awaited=$kind
        elif [[ -z $station ]]; then
            station=$word call=$word awaited=''
        elif [[ $call == "$station" ]] && ! _enveis_is_lone "$station"; then
            call="$station $word" awaited=''
        else
            operands=$((operands + 1)) awaited=''
        fi
    done
    [[ $current != '=' ]] || current=''
    if [[ -n $awaited && ! ($current == -* && ${COMP_WORDS[COMP_CWORD - 1]} != '=') ]]; then
        _enveis_option "$call" "$option"
    elif [[ $current == -* ]]; then
        kind=choice
        _enveis_options "$call"
    else
        _enveis_operand "$call" "$operands"
    fi
    case $kind in
        choice) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current") ;;
        file) compopt -o default ;;
        folder) compopt -o dirnames ;;
    esac
}

complete -F _enveis enveis
