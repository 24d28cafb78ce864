#compdef enveis
# Completes `enveis` in zsh. Made by `make completion` from the arguments of the commands; do not edit.

_enveis() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'demo:run the whole journey once, unattended, in a temporary folder'
        'run:run both machines on this one, on loopback only, to try Enveis'
        'gateway:low side: receive submissions and seal them'
        'transfer:carry batches to the desk, and acknowledge what arrived'
        'desk:high side: open what arrived, and reply'
        'quarantine:inspect files as the gateway does'
        'audit:read and verify an audit log'
        'keys:show public keys; copy private keys and test the copies'
        'receipt:for a source: make a receipt offline, or prove who sent a packet'
        'completion:print the completion script of a shell'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--version[show the version, and exit]' \
        '1: :{_describe station names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        demo) _enveis_demo ;;
        run) _enveis_run ;;
        gateway) _enveis_gateway ;;
        transfer) _enveis_transfer ;;
        desk) _enveis_desk ;;
        quarantine) _enveis_quarantine ;;
        audit) _enveis_audit ;;
        keys) _enveis_keys ;;
        receipt) _enveis_receipt ;;
        completion) _enveis_completion ;;
    esac
}

_enveis_demo() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--keep=[make the two machines in FOLDER, and leave them]:FOLDER:_files -/'
}

_enveis_run() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--listen=[loopback only; default 127.0.0.1\:8080]:ADDRESS\:PORT: ' \
        '--stick[carry batches by a folder that stands for a stick, not by a one-way link]'
}

_enveis_gateway() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'init:make a gateway'\''s home, for one desk'
        'serve:show the form and take submissions'
        'check:read everything a gateway needs and say what is wrong'
        'recipients:seal to a new generation of the desk'\''s keys'
        'desk-key:believe a new key of the desk'
        'rekey:get a new key and a new log, in the place of the old'
        'accept-bundle:take replies, grants and counters from the desk'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        init) _enveis_gateway_init ;;
        serve) _enveis_gateway_serve ;;
        check) _enveis_gateway_check ;;
        recipients) _enveis_gateway_recipients ;;
        desk-key) _enveis_gateway_desk_key ;;
        rekey) _enveis_gateway_rekey ;;
        accept-bundle) _enveis_gateway_accept_bundle ;;
    esac
}

_enveis_gateway_init() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--recipients=[recipients.txt of the desk]:FILE:_files' \
        '--desk-key=[desk.pub of the desk]:FILE:_files' \
        '--continues=[in the place of a gateway that is lost\: what '\''enveis desk head'\'' wrote]:last-head.json:_files' \
        '--name=[who receives what is sent here, as the page says it]:NAME: '
}

_enveis_gateway_serve() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--listen=[instead of what gateway.toml says]:ADDRESS\:PORT: '
}

_enveis_gateway_check() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_gateway_recipients() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[the words were compared already]' \
        '1:recipients.txt:_files'
}

_enveis_gateway_desk_key() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[the words were compared already]' \
        '1:desk.pub:_files'
}

_enveis_gateway_rekey() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--log-lost[the log here no longer holds the line that the desk trusts, and what happened was looked into]' \
        '--yes[serve is stopped, and the statement was looked at]' \
        '1:last-head.json:_files'
}

_enveis_gateway_accept_bundle() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--min-serial=[take none below N; asked for after a new installation]:N: ' \
        '--yes[do not ask]' \
        '1:FILE:_files'
}

_enveis_transfer() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'export:low side: put the next batches onto a stick'
        'reexport:low side: the same batches once more'
        'import:desk: take batches from a stick, or what came over the link'
        'acknowledge:low side: delete what has arrived'
        'discard:low side: give up packets that waited beyond the limit'
        'send:low side: send batches over a one-way link, until Ctrl-C'
        'receive:desk: receive batches from a one-way link, until Ctrl-C'
        'resend:low side: send batches over the link once more'
        'status:what is under way between the two machines; status 3 says that there is an alarm'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        export) _enveis_transfer_export ;;
        reexport) _enveis_transfer_reexport ;;
        import) _enveis_transfer_import ;;
        acknowledge) _enveis_transfer_acknowledge ;;
        discard) _enveis_transfer_discard ;;
        send) _enveis_transfer_send ;;
        receive) _enveis_transfer_receive ;;
        resend) _enveis_transfer_resend ;;
        status) _enveis_transfer_status ;;
    esac
}

_enveis_transfer_export() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--lane=[this lane only, for a stick of its own]:LANE:(clear held)' \
        '--device=[mount the stick with this serial number, and unmount it]:SERIAL: ' \
        '1:DEST:_files -/'
}

_enveis_transfer_reexport() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--overdue[every batch whose words are overdue]' \
        '--device=[mount the stick with this serial number, and unmount it]:SERIAL: ' \
        '*:NUMBER ... DEST:_files -/'
}

_enveis_transfer_import() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--answers=[write words and missing packets into FILE, for a fresh disc]:FILE:_files' \
        '--device=[mount the stick with this serial number, and unmount it]:SERIAL: ' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '1:SRC:_files -/'
}

_enveis_transfer_acknowledge() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--missing[packets that the import listed as missing]:*-*:ID: ' \
        '--answers=[a file that the import wrote, instead of words]:FILE:_files' \
        '*:WORD: '
}

_enveis_transfer_discard() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--all[every packet that has waited beyond the limit]' \
        '--sentence=[the sentence that is asked for, for a script]:TEXT: ' \
        '*:ID: '
}

_enveis_transfer_send() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--write-settings[only write link.toml, with the reason of each setting]'
}

_enveis_transfer_receive() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--write-settings[only write link.toml, with the reason of each setting]' \
        '--role=[only this one of the three processes, for running each as a user of its own (default\: all three)]:ROLE:(network decode commit)'
}

_enveis_transfer_resend() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '*:NUMBERS: '
}

_enveis_transfer_status() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_desk() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'init:make the desk'\''s home and keys'
        'pair:trust a gateway'
        'gateways:list the gateways that are or were trusted'
        'distrust:refuse a gateway'\''s batches from now on'
        'head:sign which line of a gateway'\''s log is trusted last'
        'recipients:list the generations of keys, or make a new one'
        'rekey:make a new desk.key'
        'inbox:list what has arrived'
        'open:open one packet, and write its files'
        'reply:seal a reply to a packet'\''s source'
        'grant:grant a source larger limits'
        'counters:show or set the counters of the front page'
        'bundle:sign the replies, grants and counters for one gateway'
        'challenge:ask a source to prove who sent a packet'
        'verify-proof:check a source'\''s answer to a challenge'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        init) _enveis_desk_init ;;
        pair) _enveis_desk_pair ;;
        gateways) _enveis_desk_gateways ;;
        distrust) _enveis_desk_distrust ;;
        head) _enveis_desk_head ;;
        recipients) _enveis_desk_recipients ;;
        rekey) _enveis_desk_rekey ;;
        inbox) _enveis_desk_inbox ;;
        open) _enveis_desk_open ;;
        reply) _enveis_desk_reply ;;
        grant) _enveis_desk_grant ;;
        counters) _enveis_desk_counters ;;
        bundle) _enveis_desk_bundle ;;
        challenge) _enveis_desk_challenge ;;
        verify-proof) _enveis_desk_verify_proof ;;
    esac
}

_enveis_desk_init() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--classic[keys that every age program opens, without protection against a later quantum computer]' \
        '--backup=[write a second identity to FILE, to be kept elsewhere]:FILE:_files' \
        '--passphrase[seal the identities with a passphrase]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files'
}

_enveis_desk_pair() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--replaces=[trust it in the place of this one, whose key is lost or known to others]:GATEWAY: ' \
        '--yes[the words were compared already]' \
        '1:gateway.pairing:_files'
}

_enveis_desk_gateways() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_desk_distrust() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[its last stick was imported]' \
        '1:GATEWAY: '
}

_enveis_desk_head() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new file]:last-head.json:_files' \
        '1:GATEWAY: '
}

_enveis_desk_recipients() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--new[make a new generation\: fresh keys for packets to come]' \
        '--sign[sign recipients.txt as it is]' \
        '--kind=[of the new keys; default\: as today]:KIND:(hybrid classic)' \
        '--backup=[write the new backup identity to FILE, to be kept elsewhere]:FILE:_files' \
        '--passphrase[seal the identities, which were plain until now]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files'
}

_enveis_desk_rekey() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[the gateways'\'' operators know of it]'
}

_enveis_desk_inbox() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_desk_open() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new folder; default HOME/opened/PACKET]:FOLDER:_files -/' \
        '--held[also write files that are held or were not decided\: they may do harm]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '1:PACKET: '
}

_enveis_desk_reply() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '--text-file=[the reply; default\: typed, or piped in]:FILE:_files' \
        '--state=[where the case stands]:STATE:(received in-work question answered referred closed)' \
        '1:PACKET: '
}

_enveis_desk_grant() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '--files-max=[files in one submission, 1 to 100]:N: ' \
        '--file-max=[of one file\: 500M, 2G (1G = 1,073,741,824 bytes)]:SIZE: ' \
        '--days=[for how long, 1 to 366]:N: ' \
        '1:PACKET: '
}

_enveis_desk_counters() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--received=[complaints; default\: count what has arrived]:N: ' \
        '--bodies=[bodies complained about]:N: ' \
        '--officials=[officials complained about]:N: '
}

_enveis_desk_bundle() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a folder on a fresh disc]:DEST:_files -/' \
        '--qr=[also a sheet of QR codes to print (at most 64 KiB)]:FILE.html:_files' \
        '--days=[for how long a gateway may take it (30)]:N: ' \
        '*--also=[with the replies of a gateway that it replaced]:GATEWAY: ' \
        '--yes[do not ask\: the list was looked at]' \
        '1:GATEWAY: '
}

_enveis_desk_challenge() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '--verifier=[who wants to know]:NAME: ' \
        '--purpose=[what for]:TEXT: ' \
        '--to=[the challenge, for the source]:FILE:_files' \
        '1:PACKET: '
}

_enveis_desk_verify_proof() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--packet=[which it must be about; default\: the one that it names]:PACKET: ' \
        '--challenge=[the challenge that it must answer]:FILE:_files' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '1:PROOF:_files'
}

_enveis_quarantine() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'inspect:judge files: exit 0 clear, 1 held, 2 refused, 3 undecided, 4 not read or a failure (the worst counts)'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        inspect) _enveis_quarantine_inspect ;;
    esac
}

_enveis_quarantine_inspect() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--socket=[of clamd; default\: what gateway.toml says]:PATH:_files' \
        '--budget=[for each file; default\: what gateway.toml says]:SECONDS: ' \
        '*:FILE:_files'
}

_enveis_audit() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'verify:check that a log is one chain, up to signed heads'
        'show:list what a log says, by day, event or packet'
        'rotate:close the log'\''s file and go on in a new one, in the same chain'
        'recover:move bytes aside that stand at the log'\''s end and are no line'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        verify) _enveis_audit_verify ;;
        show) _enveis_audit_show ;;
        rotate) _enveis_audit_rotate ;;
        recover) _enveis_audit_recover ;;
    esac
}

_enveis_audit_verify() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--key=[whose signed batches are looked at]:gateway.pub:_files' \
        '*'{--heads,--batch}'[batch.json files, bags, or folders of them\: each signed a head of the log]:*-*:BATCH:_files' \
        '1:LOG:_files'
}

_enveis_audit_show() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--day=[of this UTC day only]:YYYY-MM-DD: ' \
        '--since=[of this UTC day and later]:YYYY-MM-DD: ' \
        '--until=[of this UTC day and earlier]:YYYY-MM-DD: ' \
        '*--event=[may be given again]:EVENT: ' \
        '--packet=[of this packet only; the beginning of its id is enough]:ID: ' \
        '1:LOG:_files'
}

_enveis_audit_rotate() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_audit_recover() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[what happened was looked into already]'
}

_enveis_keys() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'show:public keys of this home, with words to compare them by'
        'split:an identity into shares, of which some are enough'
        'combine:shares to an identity file'
        'paper:a page with a key or a share, to be printed'
        'rehearse:prove with a test packet that each key opens it'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        show) _enveis_keys_show ;;
        split) _enveis_keys_split ;;
        combine) _enveis_keys_combine ;;
        paper) _enveis_keys_paper ;;
        rehearse) _enveis_keys_rehearse ;;
    esac
}

_enveis_keys_show() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_keys_split() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--identity=[default\: identity.txt of this home]:FILE:_files' \
        '--number=[which identity of the file, 1 being the newest (default)]:N: ' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--needed=[shares that join to the key (default 2)]:N: ' \
        '--of=[shares that are made (default 3)]:M: ' \
        '*--group=[instead\: a group of shares; may be given again]:NofM: ' \
        '--groups-needed=[groups that open the key (default\: all)]:N: ' \
        '--to=[write each share into a file of its own]:FOLDER:_files -/' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files'
}

_enveis_keys_combine() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new identity file]:FILE:_files' \
        '--recipients=[which keys may come out; default\: those of this home]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '--passphrase[seal the identity file with a passphrase]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files'
}

_enveis_keys_paper() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new page, to be printed]:FILE.html:_files' \
        '--identity=[default\: identity.txt of this home]:FILE:_files' \
        '--number=[which identity of the file, 1 being the newest (default)]:N: ' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--share=[print this share instead of an identity]:FILE:_files'
}

_enveis_keys_rehearse() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that are typed in]' \
        '*--share=[a share in a file; may be given again]:FILE:_files' \
        '--shares-passphrase[the shares have a passphrase\: ask for it]' \
        '--shares-passphrase-file=[the same, from the first line of FILE]:FILE:_files' \
        '*--backup=[a backup identity; may be given again]:FILE:_files'
}

_enveis_receipt() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'new:make return and proof words on this machine'
        'prove:prove that you sent a packet, with its proof words'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        new) _enveis_receipt_new ;;
        prove) _enveis_receipt_prove ;;
    esac
}

_enveis_receipt_new() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--classic[for a gateway whose recipients are classic]'
}

_enveis_receipt_prove() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[the proof; default\: print it]:FILE:_files' \
        '--yes[do not ask\: the challenge was read]' \
        '1:CHALLENGE:_files'
}

_enveis_completion() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'bash:print it: enveis completion bash > ~/.local/share/bash-completion/completions/enveis'
        'zsh:print it: enveis completion zsh > DIR/_enveis, where DIR is one of $fpath before compinit'
    )
    _arguments -C \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '1: :{_describe command names}' \
        '*::: :->rest' && return
    [[ $state == rest ]] || return 1
    words=("$line[1]" "${words[@]}")
    (( CURRENT += 1 ))
    case $line[1] in
        bash) _enveis_completion_bash ;;
        zsh) _enveis_completion_zsh ;;
    esac
}

_enveis_completion_bash() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

_enveis_completion_zsh() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]'
}

if [[ $funcstack[1] == _enveis ]]; then
    _enveis "$@"
else
    compdef _enveis enveis
fi
