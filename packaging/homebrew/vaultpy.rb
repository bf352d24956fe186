class Vaultpy < Formula
  include Language::Python::Virtualenv

  desc "AWS role credentials with keys in the keystore and MFA codes off the YubiKey"
  homepage "@HOMEPAGE@"
  url "@URL@"
  sha256 "@SHA256@"
  license "MIT"

  depends_on "pkgconf" => :build # these three for pyscard
  depends_on "python-setuptools" => :build
  depends_on "swig" => :build
  depends_on "cryptography" => :no_linkage
  depends_on "pydantic" => :no_linkage
  depends_on "python@3.14"

  on_linux do
    depends_on "pcsc-lite"
  end

  # @RESOURCES@

  # pip's isolated builds download what the packages are built with.
  allow_network_access! :build

  def install
    # Left to itself, pip would build pyscard with a swig that it builds from source before.
    venv = virtualenv_install_with_resources(without: "pyscard")
    venv.pip_install resource("pyscard"), build_isolation: false
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
