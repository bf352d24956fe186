"""Every error that a user can meet: what happened, what to do about it, and the exit status.

Each class is two lines for the user: `message` says what happened, `hint` names one remedy, if possible as
the exact command. Facts are filled in by name; they may come from a file, a card or a network, so each is
made harmless for a terminal on its way in. `{fact:q}` is the fact quoted for a shell.
"""

from __future__ import annotations

from vaultpy.text import printable

INTERRUPTED = 130
"""The exit status that says that Ctrl-C ended the run."""


class _Fact(str):
    """A fact in a message; the format `q` quotes it for a shell."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        if spec != "q":
            return str.__format__(self, spec)
        from shlex import quote

        return quote(self)


class VaultpyError(Exception):
    """The root: nothing else that vaultpy raises reaches a user."""

    message = ""
    hint = ""
    status = 1
    exec_status = 125

    def __init__(self, **facts: object) -> None:
        shown = {name: _Fact(printable(str(fact))) for name, fact in facts.items()}
        self.message = self.message.format(**shown)
        self.hint = self.hint.format(**shown)
        super().__init__(self.message)


# ---- the command line --------------------------------------------------------------------------------


class UsageError(VaultpyError):
    message = "{problem}"
    hint = "see: vaultpy {command} --help"
    status = 2


class UnknownCommand(UsageError):
    hint = "see: vaultpy --help"


class NotOnWindows(VaultpyError):
    message = "{verb} does not run on Windows"
    hint = "run it on Linux or macOS; the Windows Subsystem for Linux will do"


class OutputFailed(VaultpyError):
    message = "cannot write to standard output: {reason}"
    hint = "see where it leads, then run this again"


class BadDuration(VaultpyError):
    message = "{text} is not a duration"
    hint = "write it as 90m, 8h or a number of seconds"
    status = 2


class BadRoleOption(VaultpyError):
    message = "--role {text} is not NAME=ARN"
    hint = "write it so: --role dev-admin=arn:aws:iam::123456789012:role/admin"
    status = 2


class BadTemplateValue(VaultpyError):
    message = "{option} {value} is not {wanted}"
    hint = "{remedy}"
    status = 2


class CommandNotFound(VaultpyError):
    message = "{command} is not found"
    hint = "check its spelling and PATH; nothing was asked of the YubiKey or AWS"
    exec_status = 127


class CommandNotExecutable(VaultpyError):
    message = "{command} cannot be executed: {reason}"
    hint = "make it executable: chmod +x {command:q}"
    exec_status = 126


class CommandUnusable(CommandNotExecutable):
    hint = "{remedy}"


class NestedShell(VaultpyError):
    message = "this is already a vaultpy shell, for {profile}"
    hint = "leave it first (exit, or assume-role --exit), or name a command: vaultpy exec {wanted:q} -- CMD"


class Unexportable(VaultpyError):
    message = "{what} cannot be exported as {format}: {reason}"
    hint = "start what needs the credentials with them instead: vaultpy exec {profile:q} -- CMD"


class NoTerminal(VaultpyError):
    message = "there is no terminal to ask at: {question}"
    hint = "{remedy}"


class NoBrowser(VaultpyError):
    message = "no browser can be opened here: {reason}"
    hint = "have the address printed, and open it where there is one: vaultpy login {profile:q} --stdout"


class BrowserSilent(VaultpyError):
    message = "the browser did not come for the sign-in address within {seconds} s"
    hint = "open the address yourself: vaultpy login {profile:q} --stdout"


class DefaultInTheWay(VaultpyError):
    message = "SDKs would take the credentials of [default] ({source}), not those of the server"
    hint = "give that section of {path} or of the credentials file another name, or leave --server out"


class NothingAtHand(VaultpyError):
    message = "there are no credentials of {name} now: {reason}"
    hint = "{remedy}"


class PortTaken(VaultpyError):
    message = "cannot listen on port {port} of 127.0.0.1: {reason}"
    hint = "name another with --port, or none: then a free one is taken"


class TokenFileUnusable(VaultpyError):
    message = "cannot put the token into {path}: {reason}"
    hint = "name a file that is not there yet, in a directory of your own"


class DemoNeedsFinger(VaultpyError):
    message = "the demo's finger is the Enter key, and there is no terminal to press it at"
    hint = "let it touch the key by itself: vaultpy demo --yes"


# ---- AWS's config files ------------------------------------------------------------------------------


class ConfigUnreadable(VaultpyError):
    message = "cannot read {path}: {reason}"
    hint = "make it a readable text file, or name another with {variable}"


class ConfigMalformed(VaultpyError):
    message = "{path}, line {line}: {problem}"
    hint = "correct that line; nothing was changed"


class ConfigUnwritable(VaultpyError):
    message = "cannot write {path}: {reason}"
    hint = "make it writable, or name another with AWS_CONFIG_FILE; nothing was changed"


class CredentialsUnwritable(VaultpyError):
    message = "cannot write {path}: {reason}"
    hint = "make it writable, or name another with AWS_SHARED_CREDENTIALS_FILE; nothing was written"


class NameInUse(VaultpyError):
    message = "profile {name} has {key} already, and an SDK would take only one of that and {what}"
    hint = "choose a name of its own: {command}"


class LongTermKeyThere(VaultpyError):
    message = (
        "[{name}] of {path} holds access key {key_id} without a session token, which is not written over"
    )
    hint = "move it into the keystore (vaultpy import credentials {name:q}), or choose another name with --to"


class KeyStays(VaultpyError):
    message = "cannot take access key {key_id} out of {path}: {reason}"
    hint = "make it writable, then run this again; the keystore has the key already"


class NoSuchProfile(VaultpyError):
    message = "no profile {profile} in {path}"
    hint = "enrol an access key under that name: vaultpy add {profile:q}"


class MistypedProfile(VaultpyError):
    message = "no profile {profile} in {path}"
    hint = "did you mean {near}?"


class NoProfileMatches(VaultpyError):
    message = "no {what} in {path} matches {pattern}"
    hint = "{remedy}"


class DanglingProfile(VaultpyError):
    message = "profile {profile} names {missing} as its {key}, and there is no such profile in {path}"
    hint = "{remedy}"


class ProfileCycle(VaultpyError):
    message = "{key} goes in a circle: {circle}"
    hint = "take one {key} of these out of {path}"


class BadConfigValue(VaultpyError):
    message = "profile {profile}: {key} = {value} is not {wanted}"
    hint = "correct it in {path}"


class BadProfileName(VaultpyError):
    message = "{profile} cannot be the name of a profile"
    hint = "use letters, digits and .-_/@+ without spaces"


class ProfileExists(VaultpyError):
    message = "profile {profile} is in {path} already, with another {key}"
    hint = "choose another name, or change it there yourself"


class RoleTwice(VaultpyError):
    message = "profile {profile} has a role of its own, {role}"
    hint = "let its user assume the other one: vaultpy exec {source:q} --role {wanted:q}"


class RoleUnplaced(VaultpyError):
    message = "{role} is not the ARN of a role, nor the name of one in an account that is known here"
    hint = "write it so: --role arn:aws:iam::123456789012:role/NAME"


class SourceDecides(VaultpyError):
    message = "how long the credentials of {profile} last is for their source to say"
    hint = "leave --duration and --session-duration out; --min-ttl tells how much must be left"


class SourceEndsSoon(VaultpyError):
    message = "the credentials that {profile} gets end in {left}, and {wanted} must be left"
    hint = "let the source give new ones, or ask for less with --min-ttl"


class SourceUnfit(VaultpyError):
    message = "the source of profile {profile} gives a long-term access key, which no command is handed"
    hint = "enrol it, and it gives sessions: vaultpy add {profile:q}"


class UnsupportedSource(VaultpyError):
    message = "profile {profile} takes its credentials from {source}, which vaultpy cannot ask"
    hint = (
        "use a profile with this: credential_process = aws configure export-credentials --profile {profile:q}"
    )


class SourceFailed(VaultpyError):
    message = "profile {profile} gets no credentials from {source}: {reason}"
    hint = "see what the AWS CLI says: aws sts get-caller-identity --profile {profile:q}"


class SsoLoginNeeded(VaultpyError):
    message = "the login of profile {profile} to Identity Center has ended, or never was"
    hint = "log in, then run this again: aws sso login --profile {profile:q}"


# ---- what is enrolled --------------------------------------------------------------------------------


class NotEnrolled(VaultpyError):
    message = "no access key is enrolled for {profile}"
    hint = "enrol it: vaultpy add {profile:q}"


class AlreadyEnrolled(VaultpyError):
    message = "{profile} has access key {key_id} already"
    hint = "replace it: vaultpy add --force {profile:q}"


class KeyChanged(VaultpyError):
    message = "another run has given {profile} access key {new_id} in the place of {old_id} meanwhile"
    hint = "run this again"


class RootKey(VaultpyError):
    message = "this access key belongs to the root user of account {account}, whom nothing can limit"
    hint = "delete it in the AWS console and enrol an IAM user's key instead; nothing was stored"


class NotAnIamUser(VaultpyError):
    message = "this access key belongs to {arn}, which is no IAM user"
    hint = "enrol the long-term access key (AKIA...) of an IAM user; nothing was stored"


class KeyOfAnother(VaultpyError):
    message = "profile {profile} has no access key of its own: it uses that of {source}"
    hint = "rotate that one: vaultpy rotate {source:q}"


class KeysForbidden(VaultpyError):
    message = "AWS does not let {user} see and change its own access keys"
    hint = "{remedy}"


class TwoKeys(VaultpyError):
    message = "{user} has two access keys already: besides {mine} there is {other_id} ({other})"
    hint = "if nothing uses {other_id} any more, delete it: {how}"


class NewKeyUnknown(VaultpyError):
    message = "AWS does not know the new access key {new_id} after a minute; {old_id} is still in use"
    hint = "run this again in some minutes, and it goes on from here: vaultpy rotate {profile:q}"


class OldKeyStays(VaultpyError):
    message = "{new_id} is in use, but {old_id} could not be made inactive or deleted: {reason}"
    hint = (
        "let an administrator do it: aws iam delete-access-key --user-name {user:q} --access-key-id {old_id}"
    )


class BadKeyInput(VaultpyError):
    message = "no access key in {where}: {problem}"
    hint = "{remedy}"


class NothingToImport(VaultpyError):
    message = "no access key of {profile} in {where}"
    hint = "see what is there: vaultpy import {source}"


class AwsVaultMissing(VaultpyError):
    message = "aws-vault is not found, and only it opens its stores"
    hint = "install it, or add its directory to PATH; nothing was changed"


class AwsVaultFailed(VaultpyError):
    message = "aws-vault does not list its keys: {reason}"
    hint = "see what it says itself: aws-vault list --credentials"


class BadVariable(VaultpyError):
    message = "{variable} = {value} is not {wanted}"
    hint = "correct it, or unset {variable} for what is usual"


class StateUnusable(VaultpyError):
    message = "cannot use {path}: {reason}"
    hint = "{remedy}"


# ---- keystores ---------------------------------------------------------------------------------------


class KeystoreMissing(VaultpyError):
    message = "no system keystore answers: {reason}"
    hint = "start one (gnome-keyring, KWallet), or use an encrypted file: export VAULTPY_KEYSTORE=file"


class KeystoreLocked(VaultpyError):
    message = "the system keystore is locked"
    hint = "unlock your login keyring (with Seahorse or KWalletManager, or log in again), then run this again"


class KeystoreDismissed(VaultpyError):
    message = "the question of the system keystore was dismissed"
    hint = "run this again and let the keystore open"


class KeystoreTimeout(VaultpyError):
    message = "the system keystore did not answer within {seconds} s"
    hint = "look for its window and answer it, or restart the keystore, then run this again"


class KeystoreInsecure(VaultpyError):
    message = "keyring backend {backend} is refused: {reason}"
    hint = "unset VAULTPY_KEYSTORE for the system keystore, or set it to file for an encrypted one"


class KeystoreUnknown(VaultpyError):
    message = "{name} names no keyring backend: {reason}"
    hint = "set VAULTPY_KEYSTORE to system, file or the dotted path of a backend class"


class KeystoreFailed(VaultpyError):
    message = "the keystore {keystore} refused: {reason}"
    hint = "see that it works (for the system's: with Seahorse or Keychain Access), then run this again"


class SessionsLeft(VaultpyError):
    message = "{left} of {count} sessions cannot be removed from the {place}: {reason}"
    hint = "unlock it, or start what offers it, then run this again; the sessions end by themselves"


class KeyLost(VaultpyError):
    message = "access key {key_id} of {profile} is no longer in the keystore"
    hint = "enrol it again: vaultpy add --force {profile:q}"


class PassphraseNeeded(VaultpyError):
    message = "the keystore file {path} needs its passphrase, and there is no terminal to ask at"
    hint = "name a file that holds it: export VAULTPY_KEYSTORE_PASSPHRASE_FILE=FILE"


class PassphraseUnreadable(VaultpyError):
    message = "cannot read the passphrase from {path}: {reason}"
    hint = "put the passphrase on that file's first line, readable by you alone"


class PassphraseEmpty(VaultpyError):
    message = "an empty passphrase would protect nothing in {path}"
    hint = (
        "run this again and type a passphrase, or name a file that holds it: VAULTPY_KEYSTORE_PASSPHRASE_FILE"
    )


class PassphraseWrong(VaultpyError):
    message = "the passphrase does not open {path}"
    hint = "try again; without the passphrase its keys are lost: create new ones and add them to a new file"


class KeystoreFileDamaged(VaultpyError):
    message = "the keystore file {path} is damaged: {problem}"
    hint = "put back a copy from your backup, or move it away and enrol the keys again"


class KeystoreFileUnusable(VaultpyError):
    message = "cannot use the keystore file {path}: {reason}"
    hint = "make it a file of your own, mode 0600, or name another with VAULTPY_KEYSTORE_FILE"


# ---- the YubiKey -------------------------------------------------------------------------------------


class PcscMissing(VaultpyError):
    message = "the smart card service does not answer: {reason}"
    hint = "{remedy}"


class PcscForbidden(VaultpyError):
    message = "the smart card service's socket {path} may not be opened"
    hint = "let your user read and write it; by default everybody may: sudo systemctl restart pcscd.socket"


class PcscRefused(VaultpyError):
    message = "the smart card service refuses this session (polkit)"
    hint = "allow org.debian.pcsc-lite.access_pcsc and access_card for your user in /etc/polkit-1/rules.d"


class NoYubiKey(VaultpyError):
    message = "no YubiKey was plugged in within {seconds} s"
    hint = "plug it in and run this again, or type a code: --mfa-token CODE"


class CardPassedOver(NoYubiKey):
    message = "no YubiKey was plugged in, and the card in {reader} was not looked at"
    hint = "plug one in, or if that card is the token with the account: export VAULTPY_READER={reader:q}"


class NoCardReader(VaultpyError):
    message = (
        "the Yubico device that is plugged in has no card reader, so no OATH: a Security Key, or CCID is off"
    )
    hint = "plug in a YubiKey; if it is one, switch CCID on: ykman config usb --enable OATH"


class YubiKeyAbsent(VaultpyError):
    message = "YubiKey {serial} is not plugged in; what is: {seen}"
    hint = "plug it in, or name another with --yubikey, VAULTPY_YUBIKEY or vaultpy_yubikey"


class ReaderAbsent(VaultpyError):
    message = "no card reader has {text} in its name; what is there: {seen}"
    hint = "set VAULTPY_READER to a part of a reader's name, or unset it"


class CardHeld(VaultpyError):
    message = "another program holds the YubiKey"
    hint = (
        "end it; if it is GnuPG: gpgconf --kill scdaemon (and pcsc-shared in scdaemon.conf shares for good)"
    )


class CardRemoved(VaultpyError):
    message = "the YubiKey was pulled out before it answered"
    hint = "plug it in and run this again"


class OathOff(VaultpyError):
    message = "OATH is switched off on this YubiKey"
    hint = "switch it on: ykman config usb --enable OATH"


class OathPasswordNeeded(VaultpyError):
    message = "OATH on {where} has a password, and there is no terminal to ask at"
    hint = "run this once at a terminal and let vaultpy remember the password"


class OathPasswordWrong(VaultpyError):
    message = "that is not the OATH password of {where}"
    hint = "run this again; if the password is lost, only ykman oath reset helps, which deletes all accounts"


class FipsWithoutPassword(VaultpyError):
    message = "{where} is a FIPS key without an OATH password, so it cannot hold an account"
    hint = "set one: ykman oath access change, then put the account on it"


class AccountMissing(VaultpyError):
    message = "no account for {mfa_serial} on {where}; accounts there: {accounts}"
    hint = "plug in the YubiKey that has it, or name the account in the profile: vaultpy_account = NAME"


class AccountAmbiguous(VaultpyError):
    message = "several accounts on {where} may be the one for {mfa_serial}: {accounts}"
    hint = "name the right one in the profile: vaultpy_account = NAME"


class AccountUnfit(VaultpyError):
    message = "account {account} on {where} does not make AWS's codes: it is {kind}"
    hint = "AWS wants TOTP, SHA-1, 6 digits, 30 s: add it again with those"


class AccountUnconfirmed(VaultpyError):
    message = "account {account} has not been confirmed for {mfa_serial}"
    hint = "run this once at a terminal and say yes"


class SigningKeyAbsent(VaultpyError):
    message = "access key {key_id} lives on a YubiKey, and none was plugged in in time"
    hint = "plug in the one that holds it, or a spare, and run this again"


class AccessKeyElsewhere(VaultpyError):
    message = "{where} does not hold access key {key_id}; access keys there: {held}"
    hint = "plug in the YubiKey that does, or its spare, and run this again"


class SigningAccountUnfit(VaultpyError):
    message = "account {account} on {where} cannot sign: it is {kind}, not TOTP, SHA256"
    hint = "delete it, if it is of no use to you: ykman oath accounts delete {account:q}"


class NotTouched(VaultpyError):
    message = "the YubiKey was not touched, {times} times"
    hint = "run this again and touch the key while it blinks"


class YubiKeyFailed(VaultpyError):
    message = "the YubiKey gave an answer that makes no sense: {reason}"
    hint = "pull it out, plug it in and run this again"


class SeveralYubiKeys(VaultpyError):
    message = "several YubiKeys are plugged in, and any may be meant: {seen}"
    hint = "name the one to write to with --yubikey or VAULTPY_YUBIKEY, or pull the others out"


class NothingToWriteTo(VaultpyError):
    message = "no YubiKey to write to was plugged in within {seconds} s"
    hint = "have it at hand and run this again"


class NfcReadOnly(VaultpyError):
    message = "{where} lies on an NFC reader, over which no account can be written"
    hint = "plug it in by USB and run this again"


class TouchUnknown(VaultpyError):
    message = "{where} has firmware {version}, which cannot make an account wait for a touch"
    hint = "use a YubiKey with firmware 4.2.6 or later; nothing was written"


class OathUnprotected(VaultpyError):
    message = "{where} has no OATH password, so whoever finds it could sign with an access key on it"
    hint = "set one (ykman oath access change), then run this again; nothing was written"


class YubiKeyFull(VaultpyError):
    message = "{where} has no place for another account: it holds {count}"
    hint = "delete one that you no longer use: ykman oath accounts delete NAME"


class AccountExists(VaultpyError):
    message = "{where} holds an account {account} already"
    hint = "if nothing uses it any more, delete it: ykman oath accounts delete {account:q}"


class AccountNameTooLong(VaultpyError):
    message = "the name of an account has at most {most} bytes on a YubiKey, and {account} has {length}"
    hint = "give the MFA device a shorter name; nothing was written"


class PutRefused(VaultpyError):
    message = "{where} refused to store account {account}: {reason}"
    hint = "see what it holds (ykman oath accounts list), then run this again; nothing was stored"


class BadSeed(VaultpyError):
    message = "that is no secret key of an MFA device: {problem}"
    hint = "run this again and type the whole secret key that AWS shows beside the QR code"


class NoYubiKeyForCode(VaultpyError):
    message = "no YubiKey was plugged in in time"
    hint = "{remedy}"


class NoMfaDevice(VaultpyError):
    message = "no MFA device is known for {profile} that a YubiKey can stand for"
    hint = "see what there is: vaultpy mfa list {profile:q}"


class SeveralMfaDevices(VaultpyError):
    message = "{user} has several MFA devices: {mfa_serials}"
    hint = "name the one to remove: vaultpy mfa remove {profile:q} --mfa-serial ARN"


class NoCode(VaultpyError):
    message = (
        "{mfa_serial} is no device that a YubiKey can stand for, and there is no terminal to type a code at"
    )
    hint = "give the code: --mfa-token CODE"


class BadCode(VaultpyError):
    message = "an MFA code has six digits"
    hint = "type it as 123456, or leave --mfa-token out to use the YubiKey"
    status = 2


# ---- AWS ---------------------------------------------------------------------------------------------


class CodeRefused(VaultpyError):
    message = "AWS refused two codes in a row for {mfa_serial}"
    hint = "the account on the YubiKey belongs to another MFA device, or is out of step: resync it in IAM"


class CodeSpent(VaultpyError):
    message = "a code of this half minute has been sent for {mfa_serial}, and AWS takes each once"
    hint = "give the next code that is shown, or leave --mfa-token out"


class TypedCodeRefused(VaultpyError):
    message = "AWS refused that code for {mfa_serial}"
    hint = "wait for the next code and run this again; each code works once"


class MfaDeviceRefused(VaultpyError):
    message = "AWS cannot validate codes of {mfa_serial} for this user"
    hint = (
        "see that it is this user's: aws iam list-mfa-devices; then correct mfa_serial or resync the device"
    )


class MfaForbidden(VaultpyError):
    message = "AWS does not let {signer} manage the MFA devices of {user}: {reason}"
    hint = "have an administrator do it: vaultpy mfa enroll PROFILE --user {user:q}"


class MfaDeviceExists(VaultpyError):
    message = "there is an MFA device {serial} already"
    hint = "give the new one another name: vaultpy mfa enroll {profile:q} --name NAME"


class MfaDeviceLeft(VaultpyError):
    message = "there is an MFA device {serial} that is nobody's, as after a run that was interrupted"
    hint = "delete it: aws iam delete-virtual-mfa-device --serial-number {serial:q}"


class MfaDevicesFull(VaultpyError):
    message = "{user} has {count} MFA devices, and AWS allows no more"
    hint = "see which one is no longer used: aws iam list-mfa-devices --user-name {user:q}"


class NotTheirDevice(VaultpyError):
    message = "{mfa_serial} is no MFA device of {user}"
    hint = "see which ones are: vaultpy mfa list {profile:q}"


class DeviceForbidden(VaultpyError):
    message = "AWS does not let this user {action} MFA device {mfa_serial}"
    hint = "{remedy}"


class ResyncRefused(VaultpyError):
    message = "AWS does not take the codes of {mfa_serial}: the account on the YubiKey has another secret"
    hint = (
        "remove the device, then enrol one anew: vaultpy mfa remove {profile:q} --mfa-serial {mfa_serial:q}"
    )


class MfaRemovalUnfinished(VaultpyError):
    message = "MFA device {mfa_serial} is not removed everywhere: {left}"
    hint = "mend that, then finish it: {command}"


class RoleDenied(VaultpyError):
    message = "AWS does not let {user} assume {role}"
    hint = "check the role's name, its trust policy (principal, MFA, external_id) and the user's permissions"


class FederationDenied(VaultpyError):
    message = "AWS does not let {user} sign in without a role: GetFederationToken is forbidden, or needs MFA"
    hint = "sign in with a role that this user may assume: vaultpy login {profile:q} --role NAME"


class SigninRefused(VaultpyError):
    message = "{host} does not let these credentials into the console: {reason}"
    hint = "get new ones, or name the profile of a role: vaultpy login {profile:q} --no-cache"


class AccessKeyRefused(VaultpyError):
    message = "AWS does not know access key {key_id}: it is inactive, deleted, or a few seconds old"
    hint = "see its state in IAM, then enrol one that works: vaultpy add --force {profile:q}"


class SessionRefused(VaultpyError):
    message = (
        "AWS no longer takes the session {key_id}: it has ended, or its access key is inactive or deleted"
    )
    hint = "forget it, then run this again: vaultpy clear"


class SecretWrong(VaultpyError):
    message = "the secret does not belong to access key {key_id}"
    hint = "enrol the key again with its right secret: vaultpy add --force {profile:q}"


class DayKeyOver(VaultpyError):
    message = "the YubiKey signed for {date}, and in UTC that is not today any more"
    hint = "run this again"


class ClockWrong(VaultpyError):
    message = "this computer's clock is {off} AWS's"
    hint = "set it: sudo timedatectl set-ntp true"


class MinTtlUnreachable(VaultpyError):
    message = "{wanted} cannot be had: AWS gives {role} for 1h when another session assumes it"
    hint = "ask for 1h or less; if it is the user's only role, --direct puts the code on the role itself"


class SessionTooShort(VaultpyError):
    message = "a session of {seconds} s is too short: SDKs ask for a new one when 15 minutes are left"
    hint = "ask for a longer one: vaultpy credential-process --duration 1h {profile:q}"


class DurationRefused(VaultpyError):
    message = "AWS refuses that duration: {reason}"
    hint = "ask for another: --duration 1h, duration_seconds in the profile, or less with --min-ttl"


class RegionOff(VaultpyError):
    message = "STS is switched off in region {region} for this account"
    hint = "activate it in IAM's account settings, or set another region in the profile"


class RegionUnknown(VaultpyError):
    message = "there is no STS in region {region}"
    hint = "correct region in the profile, or unset AWS_REGION and AWS_DEFAULT_REGION"


class Unreachable(VaultpyError):
    message = "cannot reach {host}: {reason}"
    hint = "check the network and proxy, then run this again"


class TlsFailed(VaultpyError):
    message = "the connection to {host} is not trusted: {reason}"
    hint = "if a proxy opens TLS here, name its certificate: export AWS_CA_BUNDLE=FILE"


class NoAnswer(VaultpyError):
    message = "{host} did not answer: {reason}"
    hint = "run this again; a code that was sent is not used again"


class AwsBusy(VaultpyError):
    message = "AWS is busy or out of order: {reason}"
    hint = "wait a minute and run this again; a code that was sent is not used again"


class AwsRefused(VaultpyError):
    message = "AWS refused: {code}: {reason}"
    hint = "check the profile against that; vaultpy --debug shows each call"

    def __init__(self, **facts: object) -> None:
        self.code = str(facts.get("code", ""))
        super().__init__(**facts)


class AnswerMalformed(VaultpyError):
    message = "{host} gave an answer that is not AWS's: {reason}"
    hint = "see which server endpoint_url and the proxy variables name"


class EndpointMalformed(VaultpyError):
    message = "{url} is not the address of an endpoint"
    hint = "write endpoint_url or AWS_ENDPOINT_URL as https://HOST or https://HOST:PORT"


class EndpointUnconfirmed(VaultpyError):
    message = "signed requests and MFA codes would go to {host}, which is not AWS's"
    hint = "take endpoint_url out, or run this once at a terminal and say yes"


class ProxyUnconfirmed(VaultpyError):
    message = "the proxy {proxy} could read MFA codes and sessions, with the certificates in {bundle}"
    hint = "unset HTTPS_PROXY or AWS_CA_BUNDLE, or run this once at a terminal and say yes"


# ---- this computer -----------------------------------------------------------------------------------


class StillBusy(VaultpyError):
    message = "process {pid} is still {doing}, after {seconds} s of waiting for it"
    hint = "{remedy}"


class TimedOut(VaultpyError):
    message = "no credentials for {profile} within {seconds} s"
    hint = "see what they wait for: vaultpy exec {profile:q} -- true"


class TimedOutJustNow(VaultpyError):
    message = "{reason} ({ago} s ago; nobody is asked again for {left} s)"
    hint = "{remedy}"


class Internal(VaultpyError):
    message = "a bug in vaultpy: {kind}"
    hint = "run it with --debug and report what it prints; no secret is in it"
