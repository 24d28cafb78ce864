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
        '--keep=[make the two machines in FOLDER, and keep them]:FOLDER:_files -/'
}

_enveis_run() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--listen=[address to listen on, loopback only; default 127.0.0.1\:8080]:ADDRESS\:PORT: ' \
        '--stick[carry batches in a folder that stands for a stick, not over a one-way link]'
}

_enveis_gateway() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'init:make a gateway'\''s home, for one desk'
        'serve:serve the form and receive submissions'
        'check:check everything that a gateway needs'
        'recipients:accept a new generation of the desk'\''s keys'
        'desk-key:trust a new desk key'
        'rekey:replace the gateway'\''s key and start a new log'
        'accept-bundle:accept replies, grants and counters from the desk'
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
        '--continues=[replace a lost gateway\: the file that '\''enveis desk head'\'' wrote]:last-head.json:_files' \
        '--name=[who receives the submissions, as the page names them]:NAME: ' \
        '--country=[whose public bodies, law and holidays the pages speak of; default\: %(default)s]:COUNTRY:(no dk)' \
        '--profile=[kind of office\: how soon an answer is promised, and what a withdrawal does; default\: %(default)s]:PROFILE:(journalists company public-body police ombudsman)' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]'
}

_enveis_gateway_serve() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--listen=[address to listen on; default\: as gateway.toml says]:ADDRESS\:PORT: '
}

_enveis_gateway_check() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--before-opening[end with 1 also where a text is not set, swap is on, or this runs as root]'
}

_enveis_gateway_recipients() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[do not ask\: the fingerprint words were compared]' \
        '1:recipients.txt:_files'
}

_enveis_gateway_desk_key() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[do not ask\: the fingerprint words were compared]' \
        '1:desk.pub:_files'
}

_enveis_gateway_rekey() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--log-lost[the log here no longer has the line that the desk trusts, and what happened was investigated]' \
        '--yes[do not ask\: serve is stopped, and the statement was checked]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:last-head.json:_files'
}

_enveis_gateway_accept_bundle() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--min-serial=[refuse serials below N; required after a new installation]:N: ' \
        '--yes[do not ask]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:FILE:_files'
}

_enveis_transfer() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'export:low side: write the next batches to a stick'
        'reexport:low side: write the same batches again'
        'import:desk: import batches from a stick, or those that arrived over the link'
        'acknowledge:low side: delete what has arrived'
        'discard:low side: delete packets that have waited longer than the limit'
        'send:low side: send batches over a one-way link, until Ctrl-C'
        'receive:desk: receive batches from a one-way link, until Ctrl-C'
        'resend:low side: send batches over the link again'
        'status:show what is in transit between the machines; exit status 3 means an alarm'
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
        '--lane=[export this lane only, to a stick of its own]:LANE:(clear held)' \
        '(--own-disk --yes)'{--own-disk,--yes}'[do not ask\: DEST is on this machine'\''s own disk on purpose]' \
        '--device=[mount the stick with this serial number, and unmount it at the end]:SERIAL: ' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:DEST:_files -/'
}

_enveis_transfer_reexport() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--overdue[every batch whose acknowledgement words are overdue]' \
        '(--own-disk --yes)'{--own-disk,--yes}'[do not ask\: DEST is on this machine'\''s own disk on purpose]' \
        '--device=[mount the stick with this serial number, and unmount it at the end]:SERIAL: ' \
        '*:NUMBER ... DEST:_files -/'
}

_enveis_transfer_import() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--answers=[write acknowledgement words and missing packets to FILE, for a fresh disc]:FILE:_files' \
        '--device=[mount the stick with this serial number, and unmount it at the end]:SERIAL: ' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:SRC:_files -/'
}

_enveis_transfer_acknowledge() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--missing[packets that the import listed as missing; the first digits of their ids are enough]:*-*:ID: ' \
        '--answers=[a file that the import wrote, instead of acknowledgement words]:FILE:_files' \
        '*:WORD: '
}

_enveis_transfer_discard() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--all[every packet that has waited longer than the limit]' \
        '--sentence=[the sentence that the command asks for, for a script]:TEXT: ' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '*:ID: '
}

_enveis_transfer_send() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--write-settings[only write link.toml, with the purpose of each setting]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]'
}

_enveis_transfer_receive() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--write-settings[only write link.toml, with the purpose of each setting]' \
        '--role=[run only this one of the three processes, as a user of its own (default\: all three)]:ROLE:(network decode commit)'
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
        'head:sign the last line of a gateway'\''s log that this desk trusts'
        'recipients:list the generations of keys, or make a new one'
        'rekey:replace desk.key by a new key'
        'inbox:list the packets that have arrived, and which are open'
        'open:open one packet, and write its files; or show it again'
        'erase:delete one packet here, for good'
        'close:remove what was opened of packets; they stay in the inbox, sealed'
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
        erase) _enveis_desk_erase ;;
        close) _enveis_desk_close ;;
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
        '--classic[make keys that every age program can use; they do not protect against a future quantum computer]' \
        '--backup=[also write a backup identity to FILE; keep it elsewhere]:FILE:_files' \
        '--passphrase[protect the identities with a passphrase]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--weak-passphrase[accept a new passphrase that is easy to guess]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]'
}

_enveis_desk_pair() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--replaces=[trust it instead of GATEWAY (the first digits of its id), whose key is lost or no longer secret]:GATEWAY: ' \
        '--yes[do not ask\: the fingerprint words were compared]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
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
        '--yes[do not ask\: its last stick was imported]' \
        '1:GATEWAY: '
}

_enveis_desk_head() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new file]:last-head.json:_files' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:GATEWAY: '
}

_enveis_desk_recipients() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--new[make a new generation\: new keys for future packets]' \
        '--sign[sign recipients.txt as it is]' \
        '--kind=[kind of the new keys; default\: the current kind]:KIND:(hybrid classic)' \
        '--backup=[also write a new backup identity to FILE; keep it elsewhere]:FILE:_files' \
        '--passphrase[protect identities that had no passphrase until now]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--weak-passphrase[accept a new passphrase that is easy to guess]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]'
}

_enveis_desk_rekey() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[do not ask\: the gateways'\'' operators know about it]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]'
}

_enveis_desk_inbox() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--sort[first read what new packets ask, such as to withdraw an earlier one]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files'
}

_enveis_desk_open() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new folder; default HOME/opened/PACKET]:FOLDER:_files -/' \
        '--held[also write files that are held or undecided\: they may be harmful]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '1:PACKET: '
}

_enveis_desk_erase() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--yes[do not ask\: the packet is the right one]' \
        '1:PACKET: '
}

_enveis_desk_close() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--all[everything that is open in this home]' \
        '*:PACKET: '
}

_enveis_desk_reply() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '--text-file=[a file with the reply; default\: type it, or pipe it in]:FILE:_files' \
        '--state=[state of the case]:STATE:(received in-work question answered referred closed)' \
        '--yes[do not ask\: reply although the source withdrew, or had replies deleted]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:PACKET: '
}

_enveis_desk_grant() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '--files-max=[number of files in one submission, 1 to 100]:N: ' \
        '--file-max=[size of one file\: 500M, 2G (1G = 1,073,741,824 bytes)]:SIZE: ' \
        '--days=[number of days, 1 to 366]:N: ' \
        '--tables[also take tables (CSV)\: for a big case, with people and bodies in rows]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
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
        '--qr=[also write a sheet of QR codes to print (at most 64 KiB)]:FILE.html:_files' \
        '--days=[days for which a gateway may accept it (default 30)]:N: ' \
        '*--also=[also include the replies of a gateway that it replaced (the first digits of its id)]:GATEWAY: ' \
        '--yes[do not ask\: the list was checked]' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:GATEWAY: '
}

_enveis_desk_challenge() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '--verifier=[who asks for the proof]:NAME: ' \
        '--purpose=[what the proof is for]:TEXT: ' \
        '--to=[write the challenge to FILE, for the source]:FILE:_files' \
        '--accept-clock[the clock is right, although this machine'\''s own log has a line of a later day; the log records this]' \
        '1:PACKET: '
}

_enveis_desk_verify_proof() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--packet=[first digits of the packet that it must be about; default\: as it says]:PACKET: ' \
        '--challenge=[the challenge that it must answer]:FILE:_files' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '1:PROOF:_files'
}

_enveis_quarantine() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'inspect:inspect files; exit status 0 clear, 1 held, 2 refused, 3 undecided, 4 not read or failed (the worst counts)'
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
        '--socket=[socket of clamd; default\: as gateway.toml says]:PATH:_files' \
        '--budget=[time for each file; default\: as gateway.toml says]:SECONDS: ' \
        '*:FILE:_files'
}

_enveis_audit() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'verify:check that a log is one chain, up to signed heads'
        'show:list the lines of a log, by day, event or packet'
        'rotate:close the log'\''s file, and continue the chain in a new one'
        'recover:move aside bytes at the end of the log that are not a line'
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
        '--key=[public key of the gateway that signed the batches]:gateway.pub:_files' \
        '*'{--heads,--batch}'[batch.json files, bags, or folders of them; each has a signed head of the log]:*-*:BATCH:_files' \
        '1:LOG:_files'
}

_enveis_audit_show() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--day=[show this UTC day only]:YYYY-MM-DD: ' \
        '--since=[show this UTC day and later ones]:YYYY-MM-DD: ' \
        '--until=[show this UTC day and earlier ones]:YYYY-MM-DD: ' \
        '*--event=[show this event only; may be repeated]:EVENT: ' \
        '--packet=[show this packet only; the first digits of its id are enough]:ID: ' \
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
        '--yes[do not ask\: what happened was investigated]'
}

_enveis_keys() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'show:show the public keys of this home and their fingerprint words'
        'split:split an identity into shares, some of which are enough to rejoin it'
        'combine:join shares into an identity file'
        'paper:make a page with a key or a share, to print'
        'rehearse:prove that every key opens a test packet'
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
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--needed=[number of shares that restore the key (default 2)]:N: ' \
        '--of=[number of shares to make (default 3)]:M: ' \
        '*--group=[instead of --needed and --of\: a group of shares; may be repeated]:NofM: ' \
        '--groups-needed=[number of groups that restore the key (default\: all)]:N: ' \
        '--to=[write each share into a file of its own]:FOLDER:_files -/' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '--weak-passphrase[accept a new passphrase that is easy to guess]'
}

_enveis_keys_combine() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[a new identity file]:FILE:_files' \
        '--recipients=[the keys that may result; default\: those of this home]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '--passphrase[protect the identity file with a passphrase]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--weak-passphrase[accept a new passphrase that is easy to guess]'
}

_enveis_keys_paper() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[write the page, to print, to a new file]:FILE.html:_files' \
        '--identity=[default\: identity.txt of this home]:FILE:_files' \
        '--number=[which identity of the file, 1 being the newest (default)]:N: ' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--share=[print this share instead of an identity]:FILE:_files'
}

_enveis_keys_rehearse() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--passphrase-file=[read the passphrase from the first line of FILE (- for standard input) instead of asking for it]:FILE:_files' \
        '--shares[join the identity from shares that you type in]' \
        '*--share=[a file with one share; may be repeated]:FILE:_files' \
        '--shares-passphrase[ask for the passphrase of the shares]' \
        '--shares-passphrase-file=[read the passphrase of the shares from the first line of FILE (- for standard input)]:FILE:_files' \
        '*--backup=[a file with a backup identity; may be repeated]:FILE:_files'
}

_enveis_receipt() {
    local context state state_descr line curcontext="$curcontext"
    typeset -A opt_args
    local -a names
    names=(
        'new:make return words and proof words on this machine'
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
        '--classic[for a gateway whose recipients are classic]' \
        '--language=[the language of the words (default\: en); all are read]:LANGUAGE:(nb nn da en)' \
        '--to=[write the public halves to FOLDER, as text and as codes to scan]:FOLDER:_files -/' \
        '--qr[draw the public halves as codes to scan, 80 columns wide]'
}

_enveis_receipt_prove() {
    _arguments -S \
        '(-h --help)'{-h,--help}'[show this help message and exit]' \
        '--home=[this machine'\''s home directory (or ENVEIS_HOME)]:DIR:_files -/' \
        '--json[answer in JSON, for a program]' \
        '--to=[write the proof to FILE; default\: print it]:FILE:_files' \
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
