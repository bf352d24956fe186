# What of Homebrew our formula uses, with Homebrew's names and arguments, and no more: whatever else it calls is a
# NoMethodError. `ruby homebrew.rb FORMULA BIN` loads it, says as JSON what it declares, goes through its
# installation on paper, and runs its test with the programs in BIN.
require "json"

module OS
  def self.linux? = true
end

module Language
  module Python
    module Virtualenv
      Venv = Struct.new(:formula) do
        def pip_install(target, build_isolation: true)
          formula.class.told[:installed] << target << build_isolation
        end
      end

      def virtualenv_install_with_resources(without: nil)
        raise "no such resource: #{without}" unless self.class.told[:resources].key?(without)

        self.class.told[:installed] = self.class.told[:resources].keys - [without]
        Venv.new(self)
      end
    end
  end
end

class Resource
  attr_reader :told

  def initialize = @told = {}
  def url(value) = @told[:url] = value
  def sha256(value) = @told[:sha256] = value
end

class Formula
  class << self
    def told = @told ||= { depends_on: [], resources: {} }

    %i[desc homepage url sha256 license].each do |name|
      define_method(name) { |value| told[name] = value }
    end

    def depends_on(what) = told[:depends_on] << (what.is_a?(Hash) ? what.keys.first : what)
    def on_linux = yield
    def allow_network_access!(phase) = told[:network] = phase

    def resource(name, &block)
      made = Resource.new
      made.instance_eval(&block)
      told[:resources][name] = made.told
    end

    def test(&block) = define_method(:run_test, &block)
    def inherited(formula) = (@@formula = formula)
    def ours = @@formula
  end

  attr_reader :bin

  def initialize(bin) = @bin = bin
  def resource(name) = self.class.told[:resources].fetch(name) && name
  def version = self.class.told[:url][/-([\d.]+)\.tar\.gz\z/, 1]

  def shell_output(command)
    output = `#{command}`
    raise "#{command}: #{$?}" unless $?.success?

    output
  end

  def assert_match(expected, actual)
    raise "#{expected} is not in #{actual}" unless actual.include?(expected)
  end
end

load ARGV.fetch(0)
formula = Formula.ours.new(ARGV.fetch(1))
formula.install
formula.run_test
puts JSON.generate(Formula.ours.told.merge(caveats: formula.caveats))
