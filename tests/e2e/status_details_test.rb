# SPDX-License-Identifier: Apache-2.0
# Another language's helper reads our status details: the gRPC gem's BadStatus#to_rpc_status and the
# message classes of googleapis.
#
# Usage: status_details_test.rb GRANTKEEPD
# Needs ruby-grpc and ruby-googleapis-common-protos-types.
require "google/protobuf/well_known_types"
require "google/rpc/error_details_pb"
require "google/rpc/status_pb"
require "grpc"
require "tmpdir"

# Bytes in, bytes out: no stubs have to be generated.
class Raw
  def self.call(stub, method, bytes)
    identity = ->(value) { value }
    stub.request_response(method, bytes, identity, identity, deadline: Time.now + 20)
    raise "#{method} succeeded"
  rescue GRPC::BadStatus => e
    e
  end
end

def check(what, expected, actual)
  raise "#{what}: expected #{expected.inspect}, got #{actual.inspect}" unless expected == actual
end

def detail(error, type)
  status = error.to_rpc_status or raise "no google.rpc.Status in #{error.inspect}"
  check("code in the details", error.code, status.code)
  check("message in the details", error.details, status.message)
  any = status.details.find { |one| one.is(type) } or raise "no #{type.descriptor.name}"
  any.unpack(type)
end

def with_daemon(program)
  Dir.mktmpdir("grantkeep-ruby") do |dir|
    ready = File.join(dir, "ready")
    pid = Process.spawn(program, "--dev", "--data-dir", File.join(dir, "data"), "--listen", "127.0.0.1:0",
                        "--ready-file", ready, err: File.join(dir, "log"))
    begin
      deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 30
      until File.exist?(ready)
        raise "grantkeepd ended: #{File.read(File.join(dir, "log"))}" if Process.wait(pid, Process::WNOHANG)
        raise "grantkeepd is not ready" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
        Thread.pass
      end
      yield GRPC::ClientStub.new(File.read(ready).strip, :this_channel_is_insecure)
    ensure
      begin
        Process.kill("TERM", pid)
        Process.wait(pid)
      rescue Errno::ESRCH, Errno::ECHILD
        nil
      end
    end
  end
end

# Field `number` of a message, as a length-delimited string.
def field(number, text)
  [number << 3 | 2, text.bytesize].pack("CC") + text.b
end

with_daemon(ARGV.fetch(0)) do |stub|
  missing = Raw.call(stub, "/grantkeep.v1.AuthService/Refresh",
                     field(1, "acme") + field(2, "user-1") + field(3, "no-such-grant"))
  check("code", GRPC::Core::StatusCodes::NOT_FOUND, missing.code)
  info = detail(missing, Google::Rpc::ErrorInfo)
  check("reason", "GRANT_NOT_FOUND", info.reason)
  check("domain", "grantkeep", info.domain)
  check("request id is there", false, info.metadata["request_id"].to_s.empty?)

  wrong = Raw.call(stub, "/grantkeep.v1.AuthService/Refresh", field(1, "acme") + field(2, "user-1") + field(3, "no such"))
  check("code", GRPC::Core::StatusCodes::INVALID_ARGUMENT, wrong.code)
  check("reason", "INVALID_FIELD", detail(wrong, Google::Rpc::ErrorInfo).reason)
  violation = detail(wrong, Google::Rpc::BadRequest).field_violations.first
  check("field", "grant_id", violation.field)
  check("description starts with what is expected", true, violation.description.start_with?("must consist of"))

  later = Raw.call(stub, "/grantkeep.v1.AuthService/ValidateToken", "")
  check("code", GRPC::Core::StatusCodes::UNIMPLEMENTED, later.code)
  check("reason", "NOT_IMPLEMENTED", detail(later, Google::Rpc::ErrorInfo).reason)
end
puts "status details are read by another language's helper"
