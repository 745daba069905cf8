// Which part of a form is the photo, and what becomes of the others.
#include "server/endpoints/upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace slipway::server {
namespace {

using testing::HasSubstr;

struct Field {
  std::string name, filename, text;
};

Result<Upload> Take(const std::vector<Field>& fields, Query& query) {
  std::string body;
  for (const Field& field : fields) {
    body += "--b\r\nContent-Disposition: form-data; name=\"" + field.name + "\"";
    if (!field.filename.empty()) body += "; filename=\"" + field.filename + "\"";
    body += "\r\n\r\n" + field.text + "\r\n";
  }
  return TakeUpload("multipart/form-data; boundary=b", Body::Of(body + "--b--\r\n"), 1000, query);
}

Result<Upload> Take(const std::vector<Field>& fields) {
  Query query;
  return Take(fields, query);
}

std::string TextOf(const Result<Upload>& upload) {
  if (!upload.ok()) return upload.status().message();
  return upload->name + ":" + std::string(upload->bytes.begin(), upload->bytes.end());
}

TEST(Upload, AFormHasOnePhoto) {
  EXPECT_EQ(TextOf(Take({{"file", "a.jpg", "photo"}})), "a.jpg:photo");
  EXPECT_EQ(TextOf(Take({{"file", "", "photo"}})), ":photo");
  EXPECT_EQ(TextOf(Take({{"second", "", ""}, {"file", "a.jpg", "photo"}})), "a.jpg:photo");
  EXPECT_EQ(TextOf(Take({})), "the form has no file in it");
  EXPECT_EQ(TextOf(Take({{"file", "a.jpg", ""}})), "the form has no file in it");
  EXPECT_EQ(TextOf(Take({{"a", "a.jpg", "1"}, {"b", "b.jpg", "2"}})),
            "the form has several files: 'a.jpg', 'b.jpg'");
}

TEST(Upload, FieldsAreTakenLikeTheQuerys) {
  Query query = Query::Parse("max=3").value();
  EXPECT_EQ(TextOf(Take({{"score", "", "0.5"}, {"file", "", "photo"}, {"iou", "", ""}}, query)), ":photo");
  EXPECT_EQ(query.Text("score"), "0.5");
  EXPECT_EQ(query.Text("max"), "3");
  EXPECT_FALSE(query.Text("iou"));
}

TEST(Upload, OtherFieldsAreRefusedByName) {
  EXPECT_EQ(TextOf(Take({{"file", "a.jpg", "photo"}, {"scoer", "", "0.5"}})),
            "the form's field 'scoer' is unknown");
  Query query = Query::Parse("score=0.4").value();
  EXPECT_THAT(TextOf(Take({{"file", "a.jpg", "photo"}, {"score", "", "0.5"}}, query)),
              HasSubstr("'score' is given twice"));
}

TEST(Upload, WithoutAFormTheBodyIsThePhoto) {
  Query query;
  EXPECT_EQ(TextOf(TakeUpload("image/jpeg", Body::Of("photo"), 1000, query)), ":photo");
  EXPECT_EQ(TextOf(TakeUpload("", Body(), 1000, query)), "the request has no body");
}

}  // namespace
}  // namespace slipway::server
