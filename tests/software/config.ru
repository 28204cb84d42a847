# A web application whose only answer takes three seconds.
class Slow
  def each
    yield "begun\n"
    sleep 3
    yield "complete\n"
  end
end

run ->(_) { [200, { 'content-type' => 'text/plain' }, Slow.new] }
