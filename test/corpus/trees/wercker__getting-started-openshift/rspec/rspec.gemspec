Gem::Specification.new do |gem|
  gem.name = "rspec"
  gem.version = "1.0"
  gem.summary = "RSpec as the system has it"
  gem.authors = ["nobody"]
  gem.files = []
  gem.bindir = "exe"
  gem.executables = ["rspec"]
end
