describe "the compass" do
  it "has four cardinal points" do
    expect(%w[north east south west].length).to eq 4
  end

  it "has north first" do
    expect(%w[north east south west].first).to eq "north"
  end
end
