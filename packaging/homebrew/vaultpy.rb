class Vaultpy < Formula
  include Language::Python::Virtualenv

  desc "AWS role credentials with keys in the keystore and MFA codes off the YubiKey"
  homepage "@HOMEPAGE@"
  url "@URL@"
  sha256 "@SHA256@"
  license "MIT"

  depends_on "pkgconf" => :build
  depends_on "rust" => :build # for pydantic-core
  depends_on "swig" => :build # for pyscard
  depends_on "cryptography" => :no_linkage
  depends_on "python@3.13"

  on_linux do
    depends_on "pcsc-lite"
  end

  # @RESOURCES@

  def install
    # pyscard looks for winscard.h without its directory.
    ENV.append "CFLAGS", "-I#{Formula["pcsc-lite"].opt_include}/PCSC" if OS.linux?

    virtualenv_install_with_resources
    man1.install_symlink libexec/"share/man/man1/vaultpy.1"
  end

  def caveats
    <<~EOS
      For completion and assume-role, in the start-up file of your shell:
        eval "$(vaultpy shell-init zsh)"
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/vaultpy --version")
    assert_match "no profiles yet", shell_output("#{bin}/vaultpy list")
  end
end
