# A web application with one slow answer.
class Slow
  def each
    yield "begun\n"
    sleep 0.1 until File.exist?('/out/asked')
    sleep 3
    yield "complete\n"
  end
end

run ->(_) { [200, { 'content-type' => 'text/plain' }, Slow.new] }
