#include "graph_oracle.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "base/file.h"
#include "formats/onnx/tensor_proto.h"
#include "formats/onnx/write.h"

namespace slipway::fuzz {
namespace {

Status SystemError(const std::string& what) { return Status(Code::kIo, what + ": " + std::strerror(errno)); }

std::string Numbered(const std::string& folder, const char* name, size_t i) {
  return folder + "/" + name + "_" + std::to_string(i) + ".pb";
}

Result<std::vector<Datum>> ReadAnswer(const Graph& graph, const std::string& folder) {
  if (std::filesystem::exists(folder + "/error.txt")) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder + "/error.txt"));
    return Status(Code::kInvalidInput, text);
  }
  std::vector<Datum> outputs;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    SLIPWAY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(Numbered(folder, "want", i)));
    onnx::TensorSource source;
    SLIPWAY_ASSIGN_OR_RETURN(Tensor tensor, onnx::ReadTensorProto(bytes, source));
    outputs.push_back(Datum::Of(std::move(tensor)));
  }
  return outputs;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "graph_fuzz_XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }  // empty: it could not be made

 private:
  std::string path_;
};

}  // namespace

Status WriteSample(const Sample& sample, const std::string& folder) {
  for (const Datum& input : sample.inputs) {
    if (input.kind != TypeKind::kTensor) return Status(Code::kUnsupported, "an input is no tensor");
  }
  for (ValueId id : sample.graph.outputs) {
    if (sample.graph.value(id).type.kind != TypeKind::kTensor)
      return Status(Code::kUnsupported, "output '" + sample.graph.value(id).name + "' is no tensor");
  }
  SLIPWAY_ASSIGN_OR_RETURN(const std::string model, FormatOnnx(sample.graph));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  SLIPWAY_RETURN_IF_ERROR(WriteFile(folder + "/model.onnx", model));
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    const std::string& name = sample.graph.value(sample.graph.inputs[i]).name;
    SLIPWAY_RETURN_IF_ERROR(
        WriteFile(Numbered(folder, "input", i), FormatTensorProto(name, sample.inputs[i].tensor)));
  }
  return Status::Ok();
}

Result<std::unique_ptr<Oracle>> Oracle::Start(const std::string& command) {
  std::unique_ptr<Oracle> oracle(new Oracle(command));
  SLIPWAY_RETURN_IF_ERROR(oracle->Launch());
  return oracle;
}

Oracle::~Oracle() { End(); }

Status Oracle::Launch() {
  std::vector<std::string> words;
  std::istringstream stream(command_);
  for (std::string word; stream >> word;) words.push_back(word);
  if (words.empty()) return Status(Code::kUsage, "the oracle's command is empty");
  int questions[2];
  int answers[2];
  if (pipe(questions) != 0 || pipe(answers) != 0) return SystemError("pipe");
  std::signal(SIGPIPE, SIG_IGN);  // a dead oracle is an answer, not the end
  const int pid = fork();
  if (pid < 0) return SystemError("fork");
  if (pid == 0) {
    dup2(questions[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    for (int fd : {questions[0], questions[1], answers[0], answers[1]}) close(fd);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(questions[0]);
  close(answers[1]);
  to_ = questions[1];
  from_ = answers[0];
  pid_ = pid;
  return Status::Ok();
}

void Oracle::End() {
  close(to_);
  close(from_);
  int status = 0;
  waitpid(pid_, &status, 0);
}

bool Oracle::AskAbout(const std::string& folder) {
  const std::string question = folder + "\n";
  if (write(to_, question.data(), question.size()) != static_cast<ssize_t>(question.size())) return false;
  for (char letter = 0; letter != '\n';) {
    if (read(from_, &letter, 1) != 1) return false;
  }
  return true;
}

Result<std::vector<Result<std::vector<Datum>>>> Oracle::Ask(const std::vector<const Sample*>& samples) {
  const TemporaryFolder temporary;
  if (temporary.path().empty()) return SystemError("cannot make a temporary folder");
  const auto folder_of = [&](size_t i) { return temporary.path() + "/" + std::to_string(i); };
  std::vector<Status> written;
  for (size_t i = 0; i < samples.size(); ++i) written.push_back(WriteSample(*samples[i], folder_of(i)));
  const bool has_died = !AskAbout(temporary.path());
  if (has_died) {
    End();
    SLIPWAY_RETURN_IF_ERROR(Launch());
    if (samples.size() == 1 && written[0].ok())
      written[0] = Status(Code::kInvalidInput, "the oracle dies of it");
  }
  std::vector<Result<std::vector<Datum>>> answers;
  for (size_t i = 0; i < samples.size(); ++i) {
    if (!written[i].ok()) {
      answers.emplace_back(written[i]);
    } else if (has_died) {
      SLIPWAY_ASSIGN_OR_RETURN(auto answer, Ask({samples[i]}));
      answers.push_back(std::move(answer[0]));
    } else {
      answers.push_back(ReadAnswer(samples[i]->graph, folder_of(i)));
    }
  }
  return answers;
}

}  // namespace slipway::fuzz
